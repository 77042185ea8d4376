"""The forms of IDs and known tokens, and text as people paste it: wrapped IDs, and tokens in place of their IDs.

All typed text is a secret unless it has the form of an ID. A known token is rejected before anything is sent, stored,
logged, or shown. Text that is neither may be tried with Slack, but is only ever quoted by its first four characters and
its length.
"""

import re
from dataclasses import dataclass

from pydantic import SecretStr

_REST = "[A-Z0-9]{1,20}"
"""The rest of a Slack ID. Slack documents no maximum length: today's IDs have 9 to 11 characters."""
USER_ID = re.compile(rf"[UW]{_REST}", re.ASCII)
GROUP_ID = re.compile(rf"S{_REST}", re.ASCII)
CHANNEL_ID = re.compile(rf"[CG]{_REST}", re.ASCII)
TEAM_ID = re.compile(rf"[TE]{_REST}", re.ASCII)
"""The ID of a workspace or an organization."""
APP_ID = re.compile(rf"A{_REST}", re.ASCII)
TOKEN_ID = re.compile(r"Et[A-Za-z0-9_.-]{1,38}", re.ASCII)
ID_OR_KEY = re.compile(r"[A-Za-z0-9_.-]{1,255}", re.ASCII)
"""A possible ID of a token or an app, or key of a provider. Slack judges the rest."""
TYPED_TOKEN_ID = re.compile(r"et[a-z0-9]{5,}", re.IGNORECASE | re.ASCII)
"""A word that can only be a token ID, even without a subcommand before it."""
TYPED_PERSON = re.compile(r"@.*|[UW](?=[A-Z]*\d)[A-Z0-9]+", re.ASCII)
"""A name after an @, or a person's ID, which has a digit in it."""
BATCH_ID = re.compile(r"[0-9a-f]{32}")
ERROR_CODE = re.compile(r"[a-z0-9_]{1,100}", re.ASCII)
SECRET = re.compile(r"[\x21-\x7e]{8,}")
"""A string that can be one of Slack's secrets in full."""
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

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_WRAPPING = f" \t\r\n\u00a0`<>\"'\u201c\u201d\u2018\u2019{_INVISIBLE}"
_REMOVE_INVISIBLE = str.maketrans(dict.fromkeys(_INVISIBLE))

REDACTED = "[redacted]"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
"""The characters that keyboards make of a dash."""


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """A provider's documented format for its secrets. Their owner can revoke one at `revoke_url`."""

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
    # Excludes options: the longest, --external-token-id, has 17 letters.
    TokenFormat("a bearer token", r"bearer\s+(?!--[a-z][a-z_-]{0,16}(?:[\s=]|$))[\w.~+/=-]{8,}"),
    TokenFormat("a password", r"basic\s+[A-Za-z0-9+/]{16,}={0,2}(?![\w.-])"),
)
"""Formats with the prefixes that providers document. Case is ignored: phones capitalize the first letter typed."""

_BEGINNINGS = r"[gxya1e0rspwnb-]|[a-z][a-z0-9+.-]{1,20}:"
"""The beginnings of all formats. Checking them first makes a search three times as fast. A URL begins with any
letter."""
_ANY_FORMAT = re.compile(
    rf"(?<![A-Za-z0-9])(?={_BEGINNINGS})(?:"
    + "|".join(f"(?P<f{n}>{form.pattern})" for n, form in enumerate(FORMATS))
    + ")",
    re.IGNORECASE | re.ASCII,
)

# No two parts of a pattern can match the same text, so that none takes long over a word that doesn't match.
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)*", re.ASCII)
_PLAIN_WORDS = re.compile(r"[a-z]+(?:[_.-](?:[a-z]{4,}|[a-z0-9]{1,3})(?![a-z0-9]))*", re.ASCII)
PROVIDER_NAME = re.compile(r"(?!Et[A-Z0-9.])[A-Za-z]+(?:[_.-][A-Za-z]+)*", re.ASCII)
"""A word without digits, such as `google`, that no token ID looks like."""
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_QUOTE = re.compile(r".{1,8}… \(\d+ characters\)", re.DOTALL)  # version 0.1 kept eight characters
_WORD = re.compile(r"(?:[A-Za-z][a-z]{0,15}(?:[A-Z][a-z]{1,15})?|[A-Z]{1,15})[0-9]{0,4}|[0-9]{1,4}", re.ASCII)
_SHORT = 8
_LONGEST_USER_ID = 11
"""The length of today's longest IDs: a longer word of capitals and digits may be a secret."""
_MAX_WORD = 24
_MAX_PLAIN = 40
_MAX_DIGITS = 4
_QUOTED = 4


def unwrap(text: str) -> str:
    """Return the text without the characters around it, none of which can be part of an ID."""
    while True:
        stripped = text.strip(_WRAPPING).rstrip(",;")
        if stripped == text:
            return text
        text = stripped


def find_token(text: str) -> TokenFormat | None:
    """Return the format of the first known token in a text; None if there is none."""
    match = _ANY_FORMAT.search(text.translate(_REMOVE_INVISIBLE))
    return FORMATS[int(str(match.lastgroup)[1:])] if match else None


def redact(text: str) -> str:
    """Return the text with its known tokens replaced."""
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
        # A short one may be anything. In a longer one, each part is like a word or a name: fooBar2, but not f0oBaR.
        return len(value) <= _SHORT or all(_WORD.fullmatch(word) for word in re.split("[_.-]", value))
    return len(value) <= _MAX_PLAIN and _PLAIN_WORDS.fullmatch(value) is not None


def is_contact(value: str) -> bool:
    """Return whether a value is the ID of a person, a user group, or a channel, or a link."""
    return any(form.fullmatch(value) for form in (USER_ID, GROUP_ID, CHANNEL_ID, _CONTACT))


def slack_token_kind(token: SecretStr) -> str | None:
    """Return the kind of a Slack token by its prefix, with an article; None for an unknown one."""
    text = token.get_secret_value()
    return next((name for prefix, name in _SLACK_TOKENS.items() if text.startswith(prefix)), None)


class TypedText:
    """Text typed in place of an ID that doesn't have the form of one, and may be a secret.

    It isn't a `str`, so mypy finds code that shows, stores, or sends it. As a `str`, it's only its quote. It equals a
    `str` with the same text.
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
        """Return the whole text for Slack, which may know it as an ID."""
        return self._text


def quote(value: str | TypedText) -> str:
    """Return the part of a value to store and show: an ID in full, else its first four characters and its length."""
    if isinstance(value, TypedText):
        return str(value)
    if len(value) <= _QUOTED or is_id(value) or _QUOTE.fullmatch(value):
        return value
    return f"{value[:_QUOTED]}… ({len(value)} characters)"


def typed_text(text: str) -> str | TypedText:
    """Return an ID or an email address as a `str`, and any other text as a TypedText, not to be shown or kept."""
    return text if is_id(text) or is_email(text) else TypedText(text)


def is_email(text: str) -> bool:
    """Return whether a text is an email address and no known token."""
    return _EMAIL.fullmatch(text) is not None and _ANY_FORMAT.search(text) is None


def quote_word(word: str) -> str:
    """Return the quote of a typed word, with an option's dashes and the punctuation around it."""
    core = word.strip(f"{DASHES}/:.!?")
    if not core:
        return word[:_QUOTED]
    before, _, after = word.partition(core)
    return f"{before[-2:]}{quote(core)}{after[:2]}"
