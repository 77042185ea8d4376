"""The requests to Slack's external-auth methods, and the token that they return."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, get_args

from pydantic import SecretStr

from bot.ids import ID_OR_KEY, SURROGATE, TokenFormat, TypedText, find_token, is_email, is_id, quote, typed_text, unwrap
from bot.operation import Operation
from bot.slack.external_auth.errors import TransportCode, UnconfirmedError
from bot.slack.rate_limit import DELETE, GET, LIST, START

MAX_ID = 255
LABELS = {
    "external_token_id": "token ID",
    "external_token_ids": "token IDs",
    "provider_key": "provider key",
    "app_id": "app ID",
    "search": "search",
    "account": "account",
    "stale_days": "number of days",
}
"""The names of the API's parameters on screen."""
TOKEN_IDS = "external_token_ids"
ACCOUNT = "account"
PROVIDER_KEY = "provider_key"
MOST_DAYS = 3650
"""Maximum number of days since the last refresh to search for."""
MOST_TYPED = 100
"""Maximum number of token IDs typed at once."""
_ADDRESS = re.compile(r"(?:https://|http://(?:localhost|127\.0\.0\.1)[:/])[\x21-\x7e]{1,2900}")
"""An address that a button can have. https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
_PLACE = re.compile(rf"(\d{{1,12}}) ({ID_OR_KEY.pattern})", re.ASCII)


Arguments = dict[str, str | TypedText | bool]
"""Parameters by API name."""


class InvalidParameter(ValueError):
    """A parameter value that is invalid in any request, so nothing is sent to Slack.

    `name` is the API's name of the parameter. The message is a sentence for the person who entered the value.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem


class PastedToken(InvalidParameter):
    """A secret in a known token format, entered in place of an ID.

    It is raised before a request is built, so the secret is never sent, recorded, or shown.
    """

    def __init__(self, name: str, token_format: TokenFormat) -> None:
        revoke = f" at {token_format.revoke_url}" if token_format.revoke_url else " with its provider"
        super().__init__(
            name,
            f"This looks like {token_format.name}, not an ID. It wasn't sent to Slack's API or kept. If anyone else "
            f"could have seen it, revoke it{revoke}.",
        )
        self.token_format = token_format


def check_id(name: str, value: object) -> str | TypedText:
    """Return `value` if Slack may accept it as an ID or a key, as `TypedText` unless it has the form of one.

    Raises InvalidParameter.
    """
    if isinstance(value, TypedText):
        return value
    if not isinstance(value, str) or not value:
        raise InvalidParameter(name, "It's empty.")
    token_format = find_token(value)
    if token_format is not None:
        raise PastedToken(name, token_format)
    if ID_OR_KEY.fullmatch(value):
        return value if is_id(value) else TypedText(value)
    if len(value) > MAX_ID:
        raise InvalidParameter(name, f"It has {len(value)} characters. Slack allows at most {MAX_ID}.")
    if any(character.isspace() for character in value):
        raise InvalidParameter(name, "It can't have a space or a line break inside.")
    odd = next(character for character in value if not ID_OR_KEY.fullmatch(character))
    shown = f"“{odd}”" if odd.isprintable() else f"the control character U+{ord(odd):04X}"
    raise InvalidParameter(name, f"It can't have {shown}, only letters, digits, and the characters _ - .")


class _Parameters:
    """The parameters of a request, which are the named attributes that aren't None. IDs and keys are checked."""

    __slots__ = ()
    parameters: ClassVar[Sequence[str]]

    def __post_init__(self) -> None:
        for name, value in _Parameters.arguments(self).items():
            object.__setattr__(self, name, check_id(name, value))

    def arguments(self) -> Arguments:
        """Return the given parameters, which are recorded in the audit log."""
        return {name: value for name in self.parameters if (value := getattr(self, name)) is not None}

    # Slack gets the recorded parameters, unless a class overrides this.
    sent = arguments


@dataclass(frozen=True, slots=True)
class GetToken(_Parameters):
    """A request to `apps.auth.external.get`. `force_refresh` is sent only if it was given.

    `show` means that the person wants the whole token, unmasked, and isn't sent to Slack.
    https://docs.slack.dev/reference/methods/apps.auth.external.get
    """

    operations = (Operation.GET, Operation.SHOW, Operation.REFRESH)
    method = GET
    has_form = True
    parameters = ("external_token_id", "force_refresh")
    external_token_id: str | TypedText
    force_refresh: bool | None = None
    show: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "external_token_id", check_id("external_token_id", self.external_token_id))
        if self.force_refresh is not None and not isinstance(self.force_refresh, bool):
            raise InvalidParameter("force_refresh", "It must be true or false.")
        if not isinstance(self.show, bool):
            raise InvalidParameter("show", "It must be true or false.")

    @property
    def operation(self) -> Operation:
        if self.show:
            return Operation.SHOW
        return Operation.REFRESH if self.force_refresh else Operation.GET

    @property
    def mutates(self) -> bool:
        """True for a forced refresh, which replaces the token at Slack, and so is never sent twice."""
        return self.force_refresh is True


@dataclass(frozen=True, slots=True)
class CheckToken(_Parameters):
    """A request to `apps.auth.external.get` that only tests if Slack returns a token, which is then dropped."""

    __test__ = False  # pytest collects any class whose name begins with Test
    operation = Operation.TEST
    operations = (operation,)
    method = GET
    mutates = False  # Slack may refresh an expired token, as on any fetch
    has_form = True
    parameters = ("external_token_id",)
    external_token_id: str | TypedText


@dataclass(frozen=True, slots=True)
class DeleteTokens(_Parameters):
    """A request to delete one token by its ID, or all tokens of a provider, an app, or both.

    Slack documents every parameter as optional, but not the effect of a token ID together with other parameters. Such a
    request is never sent, because it might delete more than that token.
    https://docs.slack.dev/reference/methods/apps.auth.external.delete
    """

    operations = (Operation.DELETE, Operation.DELETE_MANY)
    method = DELETE
    mutates = True
    has_form = True
    parameters = ("external_token_id", "provider_key", "app_id")
    external_token_id: str | TypedText | None = None
    provider_key: str | TypedText | None = None
    app_id: str | TypedText | None = None

    def __post_init__(self) -> None:
        _Parameters.__post_init__(self)  # `super()` fails, because `slots` makes a new class
        arguments = self.arguments()
        if not arguments:
            raise InvalidParameter("external_token_id", "Say what to delete.")
        if self.external_token_id is not None and len(arguments) > 1:
            raise InvalidParameter(
                "external_token_id",
                "Use a token ID on its own: it deletes one token. A provider key or an app ID deletes all of theirs.",
            )

    @property
    def is_bulk(self) -> bool:
        """True if more than one token can be deleted."""
        return self.external_token_id is None

    @property
    def operation(self) -> Operation:
        return Operation.DELETE_MANY if self.external_token_id is None else Operation.DELETE


class ListPosition(NamedTuple):
    """An account's position in a list that is ordered by the last refresh (seconds since the epoch, UTC)."""

    at: int
    token_id: str

    def write(self) -> str:
        """Return the position as text for a button's value."""
        return f"{self.at} {self.token_id}"

    @classmethod
    def read(cls, text: object) -> "ListPosition":
        """Return the position in a button's value. Raises ValueError."""
        match = _PLACE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError("That isn't a place in the list.")
        return cls(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class ListAccounts(_Parameters):
    """A request to `apps.auth.external.list` for the connected accounts of an app, or of one of its providers.

    Slack returns all of an app's accounts at once, so Extauth itself selects the provider's accounts, those that a
    search finds, and those older or newer than a position. `search` is text that the account, its provider, its token
    ID, or a workflow contains, `account` is its whole name, `unused` means that no workflow uses it, and `stale_days`
    that its token wasn't refreshed for so many days.
    """

    operation = Operation.LIST
    operations = (operation,)
    method = LIST
    mutates = False
    has_form = False
    parameters = ("provider_key", "app_id")
    provider_key: str | TypedText | None = None
    app_id: str | TypedText | None = None
    older_than: ListPosition | None = None
    newer_than: ListPosition | None = None
    search: str | TypedText | None = None
    account: str | TypedText | None = None
    unused: bool = False
    stale_days: int | None = None

    def __post_init__(self) -> None:
        _Parameters.__post_init__(self)
        for name in ("search", "account"):
            text = getattr(self, name)
            if isinstance(text, str):
                if (token_format := find_token(text)) is not None:
                    raise PastedToken(name, token_format)
                is_plain = all(is_id(word) or is_email(word) for word in text.split())
                object.__setattr__(self, name, text if is_plain else TypedText(text))
            elif text is not None and not isinstance(text, TypedText):
                raise InvalidParameter(name, "It must be text.")
        if not isinstance(self.unused, bool):
            raise InvalidParameter("unused", "It must be true or false.")
        if self.stale_days is not None and (type(self.stale_days) is not int or not 0 < self.stale_days <= MOST_DAYS):
            raise InvalidParameter("stale_days", f"It must be a number of days from 1 to {MOST_DAYS:,}, such as 90d.")
        if self.older_than is not None and self.newer_than is not None:
            raise InvalidParameter("older_than", "A page is older or newer than one place.")

    def arguments(self) -> Arguments:
        """Return the given parameters, with those by which Extauth itself selects."""
        words = {name: value for name in ("search", "account") if (value := getattr(self, name)) is not None}
        days = {} if self.stale_days is None else {"stale_days": str(self.stale_days)}
        return {**_Parameters.arguments(self), **words, **({"unused": True} if self.unused else {}), **days}

    @property
    def is_search(self) -> bool:
        """True if only some of the accounts of an app or a provider are wanted."""
        return bool(self.search or self.account or self.unused or self.stale_days)

    def sent(self) -> Arguments:
        """Return the parameters to send, without those for which Slack has no parameter."""
        app = {} if self.app_id is None else {"app_id": self.app_id}
        return {"include_workflows": True, **app}


@dataclass(frozen=True, slots=True)
class ConnectAccount(_Parameters):
    """A request to `apps.auth.external.start` for the provider's page on which a person connects an account.

    `external_token_id`, which isn't sent, is the token of the account to reconnect, if it's known.
    Slack's own command-line tool calls the method, which isn't in the public reference.
    https://github.com/slackapi/slack-cli
    """

    operation = Operation.CONNECT
    operations = (operation,)
    method = START
    mutates = False  # nothing changes until a person goes through the page
    has_form = False
    parameters = ("provider_key", "app_id", "external_token_id")
    provider_key: str | TypedText
    app_id: str | TypedText | None = None
    external_token_id: str | TypedText | None = None

    def sent(self) -> Arguments:
        return {name: value for name, value in self.arguments().items() if name != "external_token_id"}


TokenRequest = GetToken | CheckToken | DeleteTokens | ListAccounts | ConnectAccount
"""The requests that are sent to Slack.

Each has an `operation`, one of its class's `operations`, and the Slack `method` that the parameters of `sent()` go to.
A request that `mutates` changes something at Slack, so it is never sent twice. One that `has_form` can be edited.
"""
TOKEN_REQUESTS: tuple[type[TokenRequest], ...] = get_args(TokenRequest)


@dataclass(frozen=True, slots=True)
class ExternalToken:
    """A provider's access token, and the extras that the provider returned with the token.

    Neither appears in the `repr`, because some providers' extras hold secrets as well.
    """

    token: SecretStr
    extras: Mapping[str, object] = field(default_factory=dict, repr=False)


def read_address(answer: Mapping[str, object]) -> SecretStr:
    """Return the address of the provider's page. Raises UnconfirmedError if the response has none that is safe."""
    address = answer.get("authorization_url")
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_ADDRESS, START)
    return SecretStr(address)


def read_token(answer: Mapping[str, object]) -> ExternalToken:
    """Return the token in Slack's response. Raises UnconfirmedError if the response has none."""
    token = answer.get("external_token")
    # Half of a surrogate pair can't be sent to anyone, so it isn't part of a token.
    if not isinstance(token, str) or not token or SURROGATE.search(token):
        raise UnconfirmedError(TransportCode.ANSWER_WITHOUT_TOKEN, GET)
    extras = answer.get("token_response_extras")
    return ExternalToken(SecretStr(token), dict(extras) if isinstance(extras, Mapping) else {})


@dataclass(frozen=True, slots=True)
class Selection(_Parameters):
    """The tokens to delete, which have these IDs or belong to an account, optionally of one provider only."""

    operation = Operation.DELETE  # not DELETE_MANY, because the tokens are deleted one by one
    parameters = ()  # each deletion has its own, and the API has none for an account
    token_ids: tuple[str, ...] = ()
    account: str | TypedText | None = None
    provider_key: str | TypedText | None = None


def select(token_ids: Sequence[str], account: str | None, provider_key: str | None) -> Selection:
    """Return the selection that the inputs describe. Raises InvalidParameter."""
    unwrapped = tuple(dict.fromkeys(filter(None, (unwrap(word) for word in token_ids))))
    for token_id in unwrapped:
        try:
            check_id(TOKEN_IDS, token_id)
        except PastedToken:
            raise
        except InvalidParameter as error:
            raise InvalidParameter(TOKEN_IDS, f"One of them isn't a token ID. {error.problem}") from None
        if not is_id(token_id):
            # The word may be a secret, and a confirmation shows every ID of a list in full, so it isn't accepted.
            raise InvalidParameter(TOKEN_IDS, f"“{quote(token_id)}” doesn't look like a token ID.")
    if len(unwrapped) > MOST_TYPED:
        raise InvalidParameter(TOKEN_IDS, f"Enter at most {MOST_TYPED} token IDs at once.")
    if account is not None and (token_format := find_token(account)) is not None:
        raise PastedToken(ACCOUNT, token_format)
    key = check_id(PROVIDER_KEY, provider_key) if provider_key is not None else None
    if unwrapped and (account or provider_key):
        raise InvalidParameter(TOKEN_IDS, "Enter token IDs or an account, not both.")
    if not unwrapped and not account:
        name = PROVIDER_KEY if provider_key else TOKEN_IDS
        raise InvalidParameter(name, "Enter token IDs or an account.")
    return Selection(unwrapped, typed_text(account) if account else None, key)
