"""The form of Slack's payloads, checked before Bolt or a listener sees them.

The fields that Extauth reads are declared here, checked, and passed on. All other fields are dropped, so that nothing
unexpected reaches Bolt and Slack can add fields to its payloads.
https://docs.slack.dev/interactivity/implementing-slash-commands
https://docs.slack.dev/reference/interaction-payloads
https://docs.slack.dev/apis/events-api/#callback-field
"""

import json
import re
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic can't inspect Python's own before 3.12

from bot.ids import APP_ID
from bot.listeners.uninstalled import EVENTS


class MalformedPayload(ValueError):
    """A payload that isn't one of Slack's. The message names the field, never its content."""


T = TypeVar("T")
_WITHOUT_NULLS = BeforeValidator(
    lambda given: (
        {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given
    )
)
Given = Annotated[T, _WITHOUT_NULLS]
"""An object in a payload, without its null fields, because Slack either omits an absent field or sends null for it."""
Text = Annotated[str, Field(max_length=50_000)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Id = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
AppId = Annotated[
    str | None, BeforeValidator(lambda given: given if isinstance(given, str) and APP_ID.fullmatch(given) else None)
]
"""The app's ID, or None for anything else, because nothing depends on it but which accounts are listed."""
Url = Annotated[str, Field(min_length=1, max_length=2000)]


@with_config(ConfigDict(strict=True))
class _Part(TypedDict):
    pass


class _Command(_Part):
    command: Name
    api_app_id: NotRequired[AppId]
    text: Annotated[Text, Field(default="")]
    user_id: Id
    team_id: Id
    enterprise_id: NotRequired[Id]
    is_enterprise_install: NotRequired[Text]
    channel_id: NotRequired[Id]
    trigger_id: Name
    response_url: Url


class _Entity(_Part):
    id: Id


class _Team(_Entity):
    enterprise_id: NotRequired[Id]


class _User(_Entity):
    team_id: NotRequired[Id]


class _State(_Part):
    values: Annotated[dict[str, dict[str, dict[str, Any]]], Field(default_factory=dict)]


class _View(_Part):
    id: Id
    type: Name
    callback_id: Annotated[str, Field(default="")]
    private_metadata: Annotated[Text, Field(default="")]
    hash: NotRequired[Name]
    state: Annotated[Given[_State], Field(default_factory=lambda: _State(values={}))]
    app_installed_team_id: NotRequired[Id]


class _Option(_Part):
    value: Text


class _Container(_Part):
    message_ts: NotRequired[Name]
    channel_id: NotRequired[Id]


class _Action(_Part):
    action_id: Name
    block_id: NotRequired[Text]
    value: NotRequired[Text]
    selected_option: NotRequired[_Option]
    action_ts: NotRequired[Name]  # the click's time by Slack's clock


class _Interaction(_Part):
    api_app_id: NotRequired[AppId]
    user: Given[_User]
    team: NotRequired[Given[_Team]]
    enterprise: NotRequired[_Entity]
    is_enterprise_install: NotRequired[bool]


class _Click(_Interaction):
    type: Literal["block_actions"]
    trigger_id: Name
    actions: Annotated[list[Given[_Action]], Field(min_length=1, max_length=25)]
    view: NotRequired[Given[_View]]
    container: NotRequired[Given[_Container]]
    channel: NotRequired[_Entity]
    response_url: NotRequired[Url]


class _Submission(_Interaction):
    type: Literal["view_submission", "view_closed"]
    trigger_id: NotRequired[Name]
    view: Given[_View]


class _Suggestion(_Interaction):
    type: Literal["block_suggestion"]
    trigger_id: NotRequired[Name]
    action_id: Name
    value: NotRequired[Text]


class _Shortcut(_Interaction):
    type: Literal["shortcut"]
    callback_id: Name
    trigger_id: Name


class _Tokens(_Part):
    bot: Annotated[list[Id], Field(default_factory=list)]


class _Event(_Part):
    type: Name
    tokens: NotRequired[Given[_Tokens]]  # the IDs of the users whose tokens were revoked
    user: NotRequired[Id]
    tab: NotRequired[Name]


class _Authorization(_Part):
    team_id: NotRequired[Id]
    enterprise_id: NotRequired[Id]
    is_enterprise_install: NotRequired[bool]


class _EventCallback(_Part):
    type: Literal["event_callback"]
    api_app_id: NotRequired[AppId]
    event_id: NotRequired[Name]  # distinguishes a repeated delivery from a new event
    team_id: NotRequired[Id]
    enterprise_id: NotRequired[Id]
    event: Given[_Event]
    authorizations: NotRequired[list[Given[_Authorization]]]


class _UrlVerification(_Part):
    type: Literal["url_verification"]
    challenge: Text


SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""The beginning of half of a surrogate pair, as JSON writes it."""
_KINDS = frozenset(
    {
        *("block_actions", "view_submission", "view_closed", "block_suggestion", "shortcut"),
        *("event_callback", "url_verification"),
    }
)
_EVENTS = frozenset({"app_home_opened", *EVENTS})
_VIEWS = frozenset({"modal", "home"})
_COMMAND: TypeAdapter[Any] = TypeAdapter(Given[_Command])
_OTHERS: TypeAdapter[Any] = TypeAdapter(
    Given[
        Annotated[
            _Click | _Submission | _Suggestion | _Shortcut | _EventCallback | _UrlVerification,
            Field(discriminator="type"),
        ]
    ]
)


def without_surrogates(parsed: object) -> Any:
    """Return parsed JSON with a sign in place of each half of a surrogate pair, which can't be stored or sent on."""
    return json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))


def parse_payload(payload: object) -> dict[str, Any] | None:
    """Return the fields of a payload that Extauth reads; None for a kind that it has no use for.

    Slack sends such kinds if the app's settings ask for more than manifest.yml does. Raises MalformedPayload.
    """
    if not isinstance(payload, dict):
        raise MalformedPayload("the payload is not an object")
    known = {"type": _KINDS, "view": _VIEWS, "event": _EVENTS}
    for part, kinds in known.items() if "command" not in payload else ():
        said = payload if part == "type" else payload.get(part)
        kind = said.get("type") if isinstance(said, dict) else None
        if isinstance(kind, str) and kind not in kinds:
            return None
    try:
        parsed: dict[str, Any] = (_COMMAND if "command" in payload else _OTHERS).validate_python(payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        # The message names a field as declared here, without the payload's own keys, which may hold anything.
        names = [part for part in first["loc"] if isinstance(part, str)]
        field = ".".join(names[: names.index("values") + 1] if "values" in names else names)
        raise MalformedPayload(f"{field or 'type'}: {first['type']}") from None
    if parsed.get("type") == "block_actions" and not ("view" in parsed or "response_url" in parsed):
        raise MalformedPayload("response_url: missing")
    return parsed
