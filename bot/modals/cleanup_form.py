"""The modal that asks which of several tokens to delete: some IDs, or all of one account."""

from dataclasses import dataclass

from slack_sdk.models.blocks import ContextBlock, InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

from bot.modals.fields import FieldErrors, Values, id_field, read_text
from bot.pasted import find_token, unwrap
from bot.slack.external_auth.accounts import LONGEST_TEXT
from bot.slack.external_auth.models import InvalidParameter, PastedToken, check_id

CALLBACK_ID = "extauth_cleanup"
TOKEN_IDS = "external_token_ids"
ACCOUNT = "account"
PROVIDER_KEY = "provider_key"
MOST_TYPED = 100
"""How many token IDs can be typed at once."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tokens are meant: those with these IDs, or all of an account, perhaps only with one provider."""

    token_ids: tuple[str, ...] = ()
    account: str | None = None
    provider_key: str | None = None


def build(metadata: str) -> View:
    """Build the modal."""
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Delete several tokens",
        submit="Continue",
        close="Cancel",
        private_metadata=metadata,
        blocks=[
            ContextBlock(
                elements=[
                    PlainTextObject(
                        text="Enter token IDs, or the account of somebody who has left to delete all of its tokens. "
                        "You'll confirm before anything is deleted."
                    )
                ]
            ),
            InputBlock(
                block_id=TOKEN_IDS,
                label="Token IDs",
                hint=f"Up to {MOST_TYPED}, with spaces or line breaks between them.",
                optional=True,
                element=PlainTextInputElement(action_id=TOKEN_IDS, multiline=True, max_length=3000),
            ),
            InputBlock(
                block_id=ACCOUNT,
                label="Account",
                hint="As /extauth list shows it, such as ada@example.com.",
                optional=True,
                element=PlainTextInputElement(action_id=ACCOUNT, max_length=LONGEST_TEXT),
            ),
            id_field(
                PROVIDER_KEY,
                "Provider key",
                "Deletes only the account's tokens of this provider, such as google.",
                value=None,
                optional=True,
            ),
        ],
    )


def parse(values: Values) -> Selection | FieldErrors:
    """Read what was filled in, or say what is wrong with it."""
    typed = read_text(values, TOKEN_IDS)
    account, provider_key = read_text(values, ACCOUNT), read_text(values, PROVIDER_KEY)
    try:
        return select((typed or "").replace(",", " ").split(), account, provider_key)
    except InvalidParameter as error:
        return {error.name: error.problem}


def select(token_ids: list[str], account: str | None, provider_key: str | None) -> Selection:
    """Return what is meant. Raises InvalidParameter."""
    unwrapped = tuple(dict.fromkeys(filter(None, (unwrap(word) for word in token_ids))))
    for token_id in unwrapped:
        _check(TOKEN_IDS, token_id)
    if len(unwrapped) > MOST_TYPED:
        raise InvalidParameter(TOKEN_IDS, f"Enter at most {MOST_TYPED} token IDs at once.")
    if account is not None and (token_format := find_token(account)) is not None:
        raise PastedToken(ACCOUNT, token_format)
    if provider_key is not None:
        check_id(PROVIDER_KEY, provider_key)
    if unwrapped and (account or provider_key):
        raise InvalidParameter(TOKEN_IDS, "Enter token IDs or an account, not both.")
    if not unwrapped and not account:
        name = PROVIDER_KEY if provider_key else TOKEN_IDS
        raise InvalidParameter(name, "Enter token IDs or an account.")
    return Selection(unwrapped, account, provider_key)


def _check(name: str, value: str) -> None:
    try:
        check_id(name, value)
    except PastedToken:
        raise
    except InvalidParameter as error:
        raise InvalidParameter(name, f"One of them isn't a token ID. {error.problem}") from None
