"""The settings, which only this module reads from the environment, and which are checked at startup."""

import difflib
import os
import re
import ssl
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from bot.environment import COMMAND_NAME
from bot.storage.address import database_url
from bot.workspaces.settings import LISTS, Secret, WorkspaceSettings, must

Transport = Literal["socket", "http"]
Need = Literal["socket", "http", "one", "some"]
"""The transports that a command needs: a certain one, exactly one, or at least one."""

_USUAL_FORMS = {
    "SLACK_BOT_TOKEN": (r"xoxb-.+|xoxe\.xoxb-.+", "starts with xoxb-"),
    "SLACK_APP_TOKEN": (r"xapp-.+", "starts with xapp-"),
    "SLACK_SIGNING_SECRET": (r"[0-9a-fA-F]{32}", "is 32 hexadecimal digits (Basic Information > App Credentials)"),
    "SLACK_CLIENT_SECRET": (r"[0-9a-fA-F]{32}", "is 32 hexadecimal digits (Basic Information > App Credentials)"),
    "EXTAUTH_API_TOKEN": (r"xox.+", "starts with xox"),
}
"""The usual forms of Slack's secrets. Slack doesn't guarantee them, so another form only causes a warning."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class SettingsError(Exception):
    """Invalid settings. The message has one line for each mistake, and quotes no secret."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, none of them for what isn't one."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


Proxy = Annotated[
    str,
    must(
        lambda url: _split(url).scheme in {"http", "https"} and _split(url).hostname,
        "must be a URL such as http://proxy.example:3128.",
    ),
]


def _is_ca_file(file: str) -> bool:
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ValueError):  # ssl.SSLError is an OSError, and a null byte in a name a ValueError
        return False
    return True


def _check_api_url(url: str) -> str:
    parts = _split(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("must be a URL such as https://slack.com/api/.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must start with https://, because tokens travel over it. http:// works only for localhost.")
    return url.rstrip("/") + "/"


_UNITS = {"m": 60, "h": 3600, "d": 24 * 3600}
SHORTEST_SCHEDULE = 3600
"""The shortest time between two surveys, in seconds."""


def _read_interval(value: str) -> float:
    """Parse an interval such as `90m`, `24h`, or `7d` into seconds."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", value.lower(), re.ASCII)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if seconds < SHORTEST_SCHEDULE:
        raise ValueError("must be a number with m, h, or d (minutes, hours, or days), such as 24h, and at least 1h.")
    return float(seconds)


def _check_database_url(url: SecretStr) -> SecretStr:
    database_url(url.get_secret_value())
    return url


def _read_keys(value: str) -> tuple[SecretStr, ...]:
    keys = [key.strip() for key in value.split(",")]
    if any(len(key) < 32 for key in keys):
        each = "each key must" if len(keys) > 1 else "must"
        raise ValueError(f"{each} have at least 32 characters. To make one, run `extauth keys new`.")
    return tuple(map(SecretStr, keys))


def _check_public_url(url: str) -> str:
    parts = _split(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+(/[\w.~%/-]*)?", url, re.ASCII):
        raise ValueError("must be a URL such as https://extauth.example.com. http:// works only for localhost.")
    return url.rstrip("/")


class DatabaseSettings(BaseModel):
    """The settings for reading the audit log."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True, hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_check_database_url)] = Field(
        SecretStr("sqlite:///extauth.db"),
        alias="DATABASE_URL",
        description="Where the audit log is: a SQLite file, or `postgresql://…` for several machines.",
    )
    secret_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(_read_keys)] = Field(
        alias="EXTAUTH_SECRET_KEY",
        description="The key that protects the audit log and encrypts, at least 32 characters. Required; `make "
        "start` writes one into `.env`. To change it, put the new one first, and a comma between them.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="LOG_LEVEL", description="`DEBUG`, `INFO`, `WARNING`, or `ERROR`. No level prints a secret."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        alias="LOG_FORMAT",
        description="`json` (one object a line), `text`, or `auto` (text on a terminal, otherwise JSON).",
    )

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, values: Any) -> Any:
        """Drop empty variables, strip spaces, normalize case, and accept the proxy's variables in lowercase."""
        tidy = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        for name in ("HTTPS_PROXY", "NO_PROXY"):
            if name not in tidy and name.lower() in tidy:
                tidy[name] = tidy[name.lower()]
        cases = {"LOG_LEVEL": str.upper, "LOG_FORMAT": str.lower, "EXTAUTH_DELETE_APPROVAL": str.lower}
        for name, change in cases.items():
            if isinstance(tidy.get(name), str):
                tidy[name] = change(tidy[name])
        return {name: value for name, value in tidy.items() if value not in ("", None)}


class Settings(WorkspaceSettings, DatabaseSettings):
    """The operator's settings. A field's alias is its variable's name. docs/settings.md repeats the descriptions."""

    # Fields are read only by alias, because a variable such as `host` or `contact` may belong to another program.
    model_config = ConfigDict(populate_by_name=False)

    bot_token: Secret | None = Field(
        None,
        alias="SLACK_BOT_TOKEN",
        description="The workspace's bot token (OAuth & Permissions in the app's settings). Required unless "
        "SLACK_CLIENT_ID is set.",
    )
    client_id: str | None = Field(
        None,
        alias="SLACK_CLIENT_ID",
        description="The app's client ID. Set it, instead of a bot token, to serve every workspace that installs the "
        "app.",
    )
    client_secret: Secret | None = Field(
        None, alias="SLACK_CLIENT_SECRET", description="The app's client secret, which goes with the client ID."
    )
    public_url: Annotated[str, AfterValidator(_check_public_url)] | None = Field(
        None,
        alias="EXTAUTH_PUBLIC_URL",
        description="Where browsers and Slack reach Extauth: `https://extauth.example.com`. Required with a client ID.",
    )
    app_token: Secret | None = Field(
        None,
        alias="SLACK_APP_TOKEN",
        description="The app-level token with `connections:write`. Set it to use Socket Mode.",
    )
    signing_secret: Secret | None = Field(
        None,
        alias="SLACK_SIGNING_SECRET",
        description="The app's signing secret. Set it to use HTTP.",
    )
    test_every: Annotated[float, BeforeValidator(_read_interval)] | None = Field(
        None,
        alias="EXTAUTH_TEST_EVERY",
        description="How often to test all connected accounts by itself: `24h`, `7d`, or `90m`; at least `1h`.",
    )
    command: Annotated[
        str,
        must(
            COMMAND_NAME.fullmatch,
            "must be a slash and at most 31 lowercase letters, digits, hyphens, and underscores, such as /extauth-dev.",
        ),
    ] = Field(
        "/extauth",
        alias="EXTAUTH_COMMAND",
        description="The slash command, as it's named in the app's settings.",
    )
    api_url: Annotated[str, AfterValidator(_check_api_url)] = Field(
        "https://slack.com/api/",
        alias="SLACK_API_URL",
        description="Slack's Web API, for GovSlack (`https://slack-gov.com/api/`) or a simulator.",
    )
    proxy: Proxy | None = Field(None, alias="HTTPS_PROXY", description="An HTTP proxy for requests to Slack.")
    no_proxy: str | None = Field(
        None,
        alias="NO_PROXY",
        description="Hosts to reach without the proxy, as names. Only the host of SLACK_API_URL matters.",
    )
    ca_file: (
        Annotated[str, must(_is_ca_file, "must be a file with the certificates of authorities, in PEM form.")] | None
    ) = Field(
        None,
        alias="SSL_CERT_FILE",
        description="A file with the certificate authorities to trust, such as that of a proxy that opens TLS.",
    )
    host: str = Field("0.0.0.0", alias="HOST", description="The address to listen on over HTTP.")  # noqa: S104
    port: int = Field(
        3000,
        ge=0,
        le=65535,
        alias="PORT",
        description="The port to listen on over HTTP. Over Socket Mode, if set, for health and metrics.",
    )
    health_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        alias="EXTAUTH_HEALTH_PORT",
        description="A port of its own for `/health/live`, `/health/ready`, and `/metrics`.",
    )
    socket_connections: int = Field(
        2,
        ge=1,
        le=10,
        alias="EXTAUTH_SOCKET_CONNECTIONS",
        description="How many Socket Mode connections each process opens. Slack allows an app ten in all.",
    )

    @property
    def serves_many(self) -> bool:
        """True if any workspace can install the app by OAuth; False if Extauth serves the one of its bot token."""
        return self.client_id is not None

    @property
    def only_bot_token(self) -> SecretStr:
        """The bot token of the only workspace. Raises RuntimeError if Extauth serves many."""
        if self.bot_token is None:
            raise RuntimeError("each workspace has a bot token of its own")
        return self.bot_token


def warnings(settings: Settings) -> list[str]:
    """Return a line for each secret with an unusual form, without quoting the secret."""
    lines = []
    for field in ("bot_token", "app_token", "signing_secret", "api_token", "client_secret"):
        name, secret = str(Settings.model_fields[field].alias), getattr(settings, field)
        pattern, usual = _USUAL_FORMS[name]
        if secret is not None and not re.fullmatch(pattern, secret.get_secret_value(), re.DOTALL):
            lines.append(f"{name} looks unusual: Slack's usually {usual}. Check that it's the right one.")
    return lines


def read_database(environment: Mapping[str, str]) -> DatabaseSettings:
    """Read the settings for the audit log from a mapping of variables. Raises SettingsError."""
    try:
        settings = DatabaseSettings.model_validate(dict(environment))
    except ValidationError as error:
        raise SettingsError(_unknown(environment) + _lines(error)) from None
    if unknown := _unknown(environment):
        raise SettingsError(unknown)
    return settings


def read(environment: Mapping[str, str], need: Need | None = None) -> Settings:
    """Read the settings from a mapping of variables. Raises SettingsError with a line for each mistake.

    Without a `need`, it doesn't matter which transports are set up.
    """
    given = {name for name, value in environment.items() if value.strip()}
    mistakes = _unknown(environment) + _workspace_mistakes(given) + _transport_mistakes(given, need)
    try:
        settings = Settings.model_validate(dict(environment))
    except ValidationError as error:
        mistakes += _lines(error)
    else:
        mistakes += _conflicts(settings)
    if mistakes:
        raise SettingsError(mistakes)
    if settings.no_proxy and proxy_bypass_environment(urlsplit(settings.api_url).netloc, {"no": settings.no_proxy}):
        return settings.model_copy(update={"proxy": None})
    return settings


_PREFIX = "EXTAUTH_"
_INJECTED = re.compile(r"EXTAUTH(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+|NAME|ENV_\w+)")
"""The variables that Kubernetes and Docker's links set for a service whose name begins with `extauth`.

https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
https://docs.docker.com/engine/network/links/#environment-variables
"""


def _unknown(environment: Mapping[str, str]) -> list[str]:
    """Return a line for each variable that is named like a setting but isn't one, such as a misspelled one."""
    # Compared without the prefix, which would make any two names look alike.
    known = {str(field.alias).removeprefix(_PREFIX): str(field.alias) for field in Settings.model_fields.values()}
    lines = []
    for name, value in sorted(environment.items()):
        is_injected = _INJECTED.fullmatch(name) or (name.endswith("_PORT") and "://" in value)
        if name.upper().startswith(_PREFIX) and name not in known.values() and value.strip() and not is_injected:
            nearest = difflib.get_close_matches(name.upper().removeprefix(_PREFIX), known, 1)
            meant = f" Did you mean {known[nearest[0]]}?" if nearest else " docs/settings.md lists them all."
            lines.append(f"{name} isn't a setting.{meant}")
    return lines


_OAUTH = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")


def _workspace_mistakes(given: set[str]) -> list[str]:
    """Return the mistakes in the settings that decide if Extauth serves one workspace or many."""
    if not given & {*_OAUTH}:
        description = Settings.model_fields["bot_token"].description
        return [] if "SLACK_BOT_TOKEN" in given else [f"SLACK_BOT_TOKEN is missing. {description}"]
    mistakes = [
        f"{missing} is missing: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go together." for missing in {*_OAUTH} - given
    ]
    mistakes += [
        f"{name} belongs to one workspace, but SLACK_CLIENT_ID serves many. Unset one of them."
        for name in ("SLACK_BOT_TOKEN", "EXTAUTH_API_TOKEN")
        if name in given
    ]
    if "EXTAUTH_PUBLIC_URL" not in given:
        mistakes.append(
            "EXTAUTH_PUBLIC_URL is missing. SLACK_CLIENT_ID needs it: Slack sends people back to it after they install "
            "the app."
        )
    return mistakes


def _conflicts(settings: Settings) -> list[str]:
    """Return the mistakes of settings that conflict, such as an ID of one workspace if Extauth serves many."""
    if not settings.serves_many:
        mistake = (
            "EXTAUTH_DELETE_APPROVAL: nobody could be asked. Set EXTAUTH_AUDIT_CHANNEL, or put user IDs in "
            "EXTAUTH_DELETE_APPROVERS."
        )
        return [mistake] if settings.lacks_place else []
    lists = {f"EXTAUTH_{name.upper()}": getattr(settings, name) for name in LISTS}
    named = [name for name, allowed in lists.items() if allowed is not None and (allowed.users or allowed.groups)]
    named += ["EXTAUTH_AUDIT_CHANNEL"] if settings.audit_channel is not None else []
    named += ["EXTAUTH_CONTACT"] if settings.contact is not None and ":" not in settings.contact else []
    return [f"{name}: has an ID of one workspace in it, but SLACK_CLIENT_ID serves many. Remove it." for name in named]


def key_source() -> str:
    """Return the source of EXTAUTH_SECRET_KEY, in words."""
    return "the environment" if "EXTAUTH_SECRET_KEY" in os.environ else ".env"


def transport(settings: Settings, wanted: Transport | None) -> Transport:
    """Return the wanted transport, or else the one that is set up."""
    return wanted or ("socket" if settings.app_token else "http")


def _transport_mistakes(given: Collection[str], need: Need | None) -> list[str]:
    has_socket, has_http = "SLACK_APP_TOKEN" in given, "SLACK_SIGNING_SECRET" in given
    if need == "socket" and not has_socket:
        return ["SLACK_APP_TOKEN is missing. Socket Mode needs an app-level token (xapp-…)."]
    if need == "http" and not has_http:
        return ["SLACK_SIGNING_SECRET is missing. Over HTTP, it proves that a request comes from Slack."]
    if need is not None and not has_socket and not has_http:
        return ["Set SLACK_APP_TOKEN to use Socket Mode, or SLACK_SIGNING_SECRET to use HTTP."]
    if need == "one" and has_socket and has_http:
        return [
            "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set. Run `extauth socket` or `extauth http`, or unset "
            "one of them."
        ]
    return []


def ops_port(settings: Settings, transport: Transport) -> tuple[int, str] | None:
    """Return the port that serves only health and metrics, and its variable; None if there is none.

    Over HTTP, `PORT` serves both these and Slack's requests. Over Socket Mode, `PORT` applies only if it is set.
    """
    if settings.health_port is not None:
        return settings.health_port, "EXTAUTH_HEALTH_PORT"
    return (settings.port, "PORT") if transport == "socket" and "port" in settings.model_fields_set else None


def _lines(error: ValidationError) -> list[str]:
    lines = []
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    for mistake in error.errors(include_input=False, include_url=False):
        name = str(mistake["loc"][0])
        if name == "EXTAUTH_SECRET_KEY" and mistake["type"] == "missing":
            lines.append(f"{name} is missing. To make one, run `extauth keys new`.")
        elif mistake["type"] == "value_error":
            lines.append(f"{name}: {mistake['msg'].removeprefix('Value error, ')}")
        elif "expected" in mistake.get("ctx", {}):
            lines.append(f"{name}: must be {mistake['ctx']['expected'].replace(chr(39), '')}.")
        else:
            least, most = (
                next(filter(None, (getattr(bound, of, None) for bound in fields[name].metadata)), 0)
                for of in ("ge", "le")
            )
            lines.append(f"{name}: must be a whole number from {least} to {most}.")
    return lines
