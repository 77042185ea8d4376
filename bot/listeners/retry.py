"""The buttons *Try again* and *Edit…* under an explanation."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.replies import Replace
from bot.listeners.routes import Act, Routes
from bot.slack.external_auth.models import TokenRequest
from bot.views.buttons import Button, UnreadableValue, read

routes = Routes()
_AGAIN: dict[type, Callable[[Interaction, Any], Coroutine[None, None, None]]] = {}
EDITS: dict[type, Callable[[Interaction, Any, Mapping[str, str]], Coroutine[None, None, None]]] = {}


def again(kind: type[TokenRequest]) -> Callable[[Act], Act]:
    """Decorate the function that repeats a request of this kind. Without such a function, the request just runs."""

    def register(act: Act) -> Act:
        _AGAIN[kind] = act
        return act

    return register


def edits(kind: type[TokenRequest]) -> Callable[[Act], Act]:
    """Decorate the function that opens the form for a request of this kind, with the request's values by parameter."""

    def register(act: Act) -> Act:
        EDITS[kind] = act
        return act

    return register


@routes.click(Button.RETRY.action_id, read=read, replace=Replace.ALWAYS)
async def act(interaction: Interaction, request: TokenRequest) -> None:
    """Run the request that a button carries. A deletion is confirmed first, because the button may be old."""
    # A request that changes something runs only through its own listener, which can ask first.
    run_again = _AGAIN[type(request)] if request.mutates else _AGAIN.get(type(request), flow.run)
    await run_again(interaction, request)


def _read_editable(value: object) -> TokenRequest:
    request = read(value)
    if not request.has_form:
        raise UnreadableValue("This request has no form.")
    return request


@routes.click(Button.EDIT.action_id, read=_read_editable)
async def edit(interaction: Interaction, request: TokenRequest) -> None:
    """Open the form again with the values of the request."""
    known = {name: value for name, value in request.arguments().items() if isinstance(value, str)}
    await EDITS[type(request)](interaction, request, known)
