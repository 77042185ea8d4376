"""The form of Slack's payloads, checked before Bolt or a listener sees them.

What the bot reads is declared here. It is checked and passed on; everything else is dropped, so that nothing unexpected
reaches Bolt, and Slack can add to its payloads.
https://docs.slack.dev/interactivity/implementing-slash-commands
https://docs.slack.dev/reference/interaction-payloads
https://docs.slack.dev/apis/events-api/#callback-field
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Text = Annotated[str, Field(max_length=50_000)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Id = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
Url = Annotated[str, Field(min_length=1, max_length=2000)]


class MalformedPayload(ValueError):
    """A payload that isn't one of Slack's. The message names the field, never its content."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class _Command(_Part):
    command: Name
    text: Text = ""
    user_id: Id
    team_id: Id
    enterprise_id: Id | None = None
    is_enterprise_install: Text | None = None
    channel_id: Id | None = None
    trigger_id: Name
    response_url: Url


class _Entity(_Part):
    id: Id


class _Team(_Entity):
    enterprise_id: Id | None = None


class _User(_Entity):
    team_id: Id | None = None


class _State(_Part):
    values: dict[str, dict[str, dict[str, Any]]]


class _View(_Part):
    id: Id
    type: Name
    callback_id: str = ""
    private_metadata: Text = ""
    hash: Name | None = None
    state: _State = _State(values={})
    app_installed_team_id: Id | None = None


class _Option(_Part):
    value: Text


class _Container(_Part):
    message_ts: Name | None = None
    channel_id: Id | None = None


class _Action(_Part):
    action_id: Name
    block_id: Text | None = None
    value: Text | None = None
    selected_option: _Option | None = None


class _Interaction(_Part):
    type: Name
    user: _User
    team: _Team | None = None
    enterprise: _Entity | None = None
    is_enterprise_install: bool | None = None
    trigger_id: Name | None = None


class _Click(_Interaction):
    type: Literal["block_actions"]
    trigger_id: Name
    actions: Annotated[list[_Action], Field(min_length=1)]
    view: _View | None = None
    container: _Container | None = None
    channel: _Entity | None = None
    response_url: Url | None = None


class _Submission(_Interaction):
    type: Literal["view_submission", "view_closed"]
    view: _View


class _Suggestion(_Interaction):
    type: Literal["block_suggestion"]
    action_id: Name
    value: Text | None = None


class _Shortcut(_Interaction):
    type: Literal["shortcut"]
    callback_id: Name
    trigger_id: Name


class _Tokens(_Part):
    bot: list[Id] = []


class _Event(_Part):
    type: Name
    tokens: _Tokens | None = None  # whose were revoked
    user: Id | None = None
    tab: Name | None = None


class _Authorization(_Part):
    team_id: Id | None = None
    enterprise_id: Id | None = None
    is_enterprise_install: bool | None = None


class _EventCallback(_Part):
    type: Literal["event_callback"]
    event_id: Name | None = None  # tells the same event, delivered again, from the next one
    team_id: Id | None = None
    enterprise_id: Id | None = None
    event: _Event
    authorizations: list[_Authorization] | None = None


class _UrlVerification(_Part):
    type: Literal["url_verification"]
    challenge: Text


_COMMAND = TypeAdapter(_Command)
_OTHERS: TypeAdapter[_Part] = TypeAdapter(
    Annotated[
        _Click | _Submission | _Suggestion | _Shortcut | _EventCallback | _UrlVerification, Field(discriminator="type")
    ]
)


def _field(location: tuple[str | int, ...]) -> str:
    """Name a field as it is declared here, without the keys and positions that the payload chose."""
    names = [part for part in location if isinstance(part, str)]
    return ".".join(names[: names.index("values") + 1] if "values" in names else names)


def parse_payload(payload: object) -> dict[str, Any]:
    """Return what the bot reads of a payload. Raises MalformedPayload."""
    if not isinstance(payload, dict):
        raise MalformedPayload("the payload is not an object")
    try:
        kind: TypeAdapter[Any] = _COMMAND if "command" in payload else _OTHERS
        parsed: dict[str, Any] = kind.validate_python(payload).model_dump(exclude_none=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise MalformedPayload(f"{_field(first['loc']) or 'type'}: {first['type']}") from None
    if parsed.get("type") == "block_actions" and not ("view" in parsed or "response_url" in parsed):
        raise MalformedPayload("response_url: missing")
    return parsed
