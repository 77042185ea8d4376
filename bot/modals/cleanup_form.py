"""The modal that asks which of several tokens to delete: some IDs, or all of one account."""

from slack_sdk.models.blocks import ContextBlock, InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

from bot.modals.fields import FieldErrors, Values, id_field, read_text
from bot.slack.external_auth.accounts import LONGEST_TEXT
from bot.slack.external_auth.models import InvalidParameter
from bot.slack.external_auth.selection import ACCOUNT, MOST_TYPED, PROVIDER_KEY, TOKEN_IDS, Selection, select

CALLBACK_ID = "extauth_cleanup"


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
