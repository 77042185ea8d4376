"""The forms of IDs and known tokens, and the handling of pasted text, which may hold a token in place of an ID.

Typed text counts as a secret unless it has the form of an ID. A known token is rejected before anything is sent,
stored, logged, or shown. Other text may be sent to Slack, but only its first four characters and its length are stored,
logged, or shown.
"""

import re
from dataclasses import dataclass

from pydantic import SecretStr

_REST = "[A-Z0-9]{1,20}"
"""The part of a Slack ID after its prefix. Slack documents no maximum length; today's IDs have 9 to 11 characters."""
USER_ID = re.compile(rf"[UW]{_REST}", re.ASCII)
GROUP_ID = re.compile(rf"S{_REST}", re.ASCII)
CHANNEL_ID = re.compile(rf"[CG]{_REST}", re.ASCII)
TEAM_ID = re.compile(rf"[TE]{_REST}", re.ASCII)
"""The ID of a workspace or an organization."""
APP_ID = re.compile(rf"A{_REST}", re.ASCII)
TOKEN_ID = re.compile(r"Et[A-Za-z0-9_.-]{1,38}", re.ASCII)
ID_OR_KEY = re.compile(r"[A-Za-z0-9_.-]{1,255}", re.ASCII)
"""The loosest form of a token ID, an app ID, or a provider key, which Slack then checks."""
TYPED_TOKEN_ID = re.compile(r"et[a-z0-9]{5,}", re.IGNORECASE | re.ASCII)
"""A word that is taken for a token ID even without a subcommand before it."""
TYPED_PERSON = re.compile(r"@.*|[UW](?=[A-Z]*\d)[A-Z0-9]+", re.ASCII)
"""A name after an @, or a person's ID, which must contain a digit so that ordinary words don't match."""
BATCH_ID = re.compile(r"[0-9a-f]{32}")
ERROR_CODE = re.compile(r"[a-z0-9_]{1,100}", re.ASCII)
SECRET = re.compile(r"[\x21-\x7e]{8,}")
"""The form of a complete secret of Slack's."""
_CONTACT = re.compile(r"https://[^\s<>|]+|mailto:[^\s<>|@]+@[^\s<>|]+", re.ASCII)

_SLACK_TOKENS = {
    "xoxb-": "a bot token",
    "xoxe.xoxb-": "a bot token",
    "xoxp-": "a user token",
    "xoxe.xoxp-": "a user token",
    "xapp-": "an app-level token",
    "xoxe-": "a refresh token",
    "xoxc-": "a browser's session token",
    "xoxd-": "a browser's session cookie",
}
"""Kinds of Slack tokens, by their prefix. https://docs.slack.dev/authentication/tokens"""

DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""The controls that reverse the text after them, which can make one name look like another."""
SURROGATE = re.compile("[\ud800-\udfff]")
_UNSHOWABLE = re.compile(f"{DIRECTIONS.pattern}|{SURROGATE.pattern}")
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_WRAPPING = f" \t\r\n\u00a0`<>\"'\u201c\u201d\u2018\u2019\u2039\u203a\u00ab\u00bb{_INVISIBLE}"
_FORMATTED = re.compile(rf"([*_~])([*_~]{{0,2}}{TOKEN_ID.pattern}[*_~]{{0,2}})\1", re.ASCII)
_REMOVE_INVISIBLE = str.maketrans(dict.fromkeys(_INVISIBLE))

REDACTED = "[redacted]"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
"""The characters that keyboards substitute for a hyphen."""


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """A provider's documented format for its secrets, which their owner can revoke at `revoke_url`."""

    name: str
    pattern: str
    revoke_url: str | None = None


FORMATS = (
    TokenFormat("a GitHub token", r"github_pat_\w{8,}|gh[a-z]_[A-Za-z0-9]{8,}", "https://github.com/settings/tokens"),
    TokenFormat(
        "a GitLab token",
        r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[\w-]{8,}",
        "https://gitlab.com/-/user_settings/personal_access_tokens",
    ),
    TokenFormat(
        "a Slack token", r"xox[a-z](?:-|\.)[\w.-]{8,}|xoxe[.-][\w.-]{8,}|xapp-[\w-]{8,}", "https://api.slack.com/apps"
    ),
    TokenFormat(
        "a Google token", r"ya29\.[\w.-]{8,}|AIza[\w-]{20,}|1//0[\w-]{20,}", "https://myaccount.google.com/connections"
    ),
    TokenFormat("a JSON Web Token", r"eyJ[\w-]{8,}(?:\.[\w-]+)*"),
    TokenFormat("a Salesforce session ID", r"00D[A-Za-z0-9]{9,15}![\w.]{8,}"),
    TokenFormat(
        "a Stripe key",
        r"[rsp]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[\w+/=-]{16,}",
        "https://dashboard.stripe.com/apikeys",
    ),
    TokenFormat("an API key", r"sk-[\w-]{16,}"),
    TokenFormat(
        "an AWS access key",
        r"(?-i:A(?:KIA|SIA|ROA|IDA)[A-Z0-9]{12,})",
        "https://console.aws.amazon.com/iam/home#/security_credentials",
    ),
    TokenFormat(
        "an Atlassian token", r"ATATT3[\w=-]{16,}", "https://id.atlassian.com/manage-profile/security/api-tokens"
    ),
    TokenFormat("a Notion token", r"(?:secret|ntn)_[A-Za-z0-9]{20,}", "https://www.notion.so/profile/integrations"),
    TokenFormat("a Dropbox token", r"sl\.[\w-]{20,}", "https://www.dropbox.com/account/connected_apps"),
    TokenFormat("a HubSpot token", r"pat-(?:na|eu|ap)\d-[\w-]{16,}", "https://app.hubspot.com/l/private-apps"),
    TokenFormat("a SendGrid key", r"SG\.[\w-]{16,}\.[\w-]{16,}", "https://app.sendgrid.com/settings/api_keys"),
    TokenFormat("an npm token", r"npm_[A-Za-z0-9]{16,}", "https://www.npmjs.com/settings/~/tokens"),
    TokenFormat("a PyPI token", r"pypi-[\w-]{16,}", "https://pypi.org/manage/account/token/"),
    TokenFormat("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"),
    TokenFormat("a URL with a password in it", r"[a-z][a-z0-9+.-]{1,20}://[^/\s@:]{0,300}:[^/\s@]{1,300}@\S*"),
    # Excludes Extauth's options, of which the longest, --external-token-id, has 17 characters after the dashes.
    TokenFormat("a bearer token", r"bearer\s+(?!--[a-z][a-z_-]{0,16}(?:[\s=]|$))[\w.~+/=-]{8,}"),
    TokenFormat("a password", r"basic\s+[A-Za-z0-9+/]{16,}={0,2}(?![\w.-])"),
)
"""Formats with documented prefixes. Case is ignored, because phones capitalize the first letter typed."""

_BEGINNINGS = r"[gxya1e0rspwnb-]|[a-z][a-z0-9+.-]{1,20}:"
"""The beginnings of all formats, including URL schemes. Checking them first makes a search three times as fast."""
_ANY_FORMAT = re.compile(
    rf"(?<![A-Za-z0-9])(?={_BEGINNINGS})(?:"
    + "|".join(f"(?P<f{n}>{form.pattern})" for n, form in enumerate(FORMATS))
    + ")",
    re.IGNORECASE | re.ASCII,
)

# No two parts of a pattern match the same text, so that a word that doesn't match causes no slow backtracking.
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)*", re.ASCII)
_PLAIN_WORDS = re.compile(r"[a-z]+(?:[_.-](?:[a-z]{4,}|[a-z0-9]{1,3})(?![a-z0-9]))*", re.ASCII)
PROVIDER_NAME = re.compile(r"(?!Et[A-Z0-9.])[A-Za-z]+(?:[_.-][A-Za-z]+)*", re.ASCII)
"""A word without digits, such as `google`, that can't be mistaken for a token ID."""
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_QUOTE = re.compile(r".{1,8}… \(\d+ characters\)", re.DOTALL)  # version 0.1 quoted eight characters
_WORD = re.compile(r"(?:[A-Za-z][a-z]{0,15}(?:[A-Z][a-z]{1,15})?|[A-Z]{1,15})[0-9]{0,4}|[0-9]{1,4}", re.ASCII)
_SHORT = 8
_LONGEST_USER_ID = 11
"""The length of today's longest user IDs. A longer word of capitals and digits may be a secret."""
_MAX_WORD = 24
_MAX_PLAIN = 40
_MAX_DIGITS = 4
_QUOTED = 4


def unwrap(text: str) -> str:
    """Return the text without the quotes, spaces, and punctuation around it, which can't be part of an ID.

    Slack's signs for bold, italic, and struck-out text are removed only around a token ID.
    """
    text = DIRECTIONS.sub("", text)
    while True:
        stripped = text.strip(_WRAPPING).rstrip(",;")
        formatted = _FORMATTED.fullmatch(stripped)
        stripped = formatted[2] if formatted else stripped
        if stripped == text:
            return text
        text = stripped


def showable(text: str) -> str:
    """Return a text from outside with a sign in place of each character that reverses text or can't be sent."""
    return _UNSHOWABLE.sub("\ufffd", text)


def find_token(text: str) -> TokenFormat | None:
    """Return the format of the first known token in a text; None if there is none."""
    match = _ANY_FORMAT.search(text.translate(_REMOVE_INVISIBLE))
    return FORMATS[int(str(match.lastgroup)[1:])] if match else None


def redact(text: str) -> str:
    """Return the text with everything in a known token format replaced by `[redacted]`."""
    return _ANY_FORMAT.sub(REDACTED, text)


def is_id(value: str) -> bool:
    """Return whether a value has the form of a token ID (`Et…`), an app ID (`A…`), a user ID, or a short word."""
    if _ANY_FORMAT.search(value):
        return False
    if any(form.fullmatch(value) for form in (TOKEN_ID, APP_ID)):
        return True
    if USER_ID.fullmatch(value) and len(value) <= _LONGEST_USER_ID:
        return True
    if sum(character.isdigit() for character in value) > _MAX_DIGITS:
        return False
    if len(value) <= _MAX_WORD and _WORDS.fullmatch(value):
        # A short word may have any form. In a longer word, each part must look like a name: fooBar2, but not f0oBaR.
        return len(value) <= _SHORT or all(_WORD.fullmatch(word) for word in re.split("[_.-]", value))
    return len(value) <= _MAX_PLAIN and _PLAIN_WORDS.fullmatch(value) is not None


def is_contact(value: str) -> bool:
    """Return whether a value is a link, or has the form of a person's, user group's, or channel's ID."""
    return any(form.fullmatch(value) for form in (USER_ID, GROUP_ID, CHANNEL_ID, _CONTACT))


def slack_token_kind(token: SecretStr) -> str | None:
    """Return the kind of a Slack token by its prefix, with an article; None for an unknown prefix."""
    text = token.get_secret_value()
    return next((name for prefix, name in _SLACK_TOKENS.items() if text.startswith(prefix)), None)


class TypedText:
    """Text that was typed in place of an ID, but doesn't have the form of an ID and may be a secret.

    The class isn't a `str`, so mypy finds code that shows, stores, or sends the text. Conversion to a `str` gives only
    the quote. A TypedText equals a `str` with the same text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return self._text == (other._text if isinstance(other, TypedText) else other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return quote(self._text)

    __repr__ = __str__

    def reveal(self) -> str:
        """Return the whole text, to send to Slack, which may accept it as an ID."""
        return self._text


def quote(value: str | TypedText) -> str:
    """Return an ID in full, and of any other value the first four characters and the length, to store or show."""
    if isinstance(value, TypedText):
        return str(value)
    if len(value) <= _QUOTED or is_id(value) or _QUOTE.fullmatch(value):
        return value
    return f"{value[:_QUOTED]}… ({len(value)} characters)"


def typed_text(text: str) -> str | TypedText:
    """Return an ID or email address as a `str`, and any other text as a TypedText, which must not be shown or kept."""
    return text if is_id(text) or is_email(text) else TypedText(text)


def is_email(text: str) -> bool:
    """Return whether a text is an email address that doesn't contain a known token."""
    return _EMAIL.fullmatch(text) is not None and _ANY_FORMAT.search(text) is None


def quote_word(word: str) -> str:
    """Return the quote of a typed word, including an option's dashes and surrounding punctuation."""
    core = word.strip(f"{DASHES}/:.!?")
    if not core:
        return word[:_QUOTED]
    before, _, after = word.partition(core)
    return f"{before[-2:]}{quote(core)}{after[:2]}"
