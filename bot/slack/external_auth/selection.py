"""Which of several tokens are meant: those with some IDs, or all of one account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.ids import find_token, unwrap
from bot.operation import Operation
from bot.slack.external_auth.models import InvalidParameter, PastedToken, check_id

TOKEN_IDS = "external_token_ids"
ACCOUNT = "account"
PROVIDER_KEY = "provider_key"
MOST_TYPED = 100
"""How many token IDs can be typed at once."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The tokens with these IDs, or all of an account, perhaps only with one provider. They're to be deleted."""

    operation = Operation.DELETE  # of each by itself
    token_ids: tuple[str, ...] = ()
    account: str | None = None
    provider_key: str | None = None

    def arguments(self) -> Mapping[str, str | bool]:
        """Return no parameters: they're those of each deletion, and an account is none of the API's."""
        return {}


def select(token_ids: Sequence[str], account: str | None, provider_key: str | None) -> Selection:
    """Return what is meant. Raises InvalidParameter."""
    unwrapped = tuple(dict.fromkeys(filter(None, (unwrap(word) for word in token_ids))))
    for token_id in unwrapped:
        _check_one(token_id)
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


def _check_one(token_id: str) -> None:
    try:
        check_id(TOKEN_IDS, token_id)
    except PastedToken:
        raise
    except InvalidParameter as error:
        raise InvalidParameter(TOKEN_IDS, f"One of them isn't a token ID. {error.problem}") from None
