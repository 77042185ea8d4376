"""What a subcommand consists of, and how buttons are listened for."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands.subcommand import Subcommand, Values
from bot.listeners import flow
from bot.listeners.interaction import Interaction, from_click
from bot.listeners.replies import Replace
from bot.workspaces.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Listener:
    """A subcommand: its words, what typing it does, and its listeners for modals and buttons.

    `on_typed` gets the request that the subcommand's `wanted` made, and the values.
    """

    subcommand: Subcommand
    on_typed: Callable[[Runtime, Interaction, Any, Values], Awaitable[None]]
    register: Callable[[AsyncApp], None]


def on_click(
    app: AsyncApp,
    action_id: str,
    act: Callable[..., Coroutine[None, None, None]],
    read: Callable[[object], object] | None = None,
    replace: Replace = Replace.ON_SUCCESS,
) -> None:
    """Listen for a button or menu. `act` gets the runtime, the interaction, and what `read` makes of the value.

    What `read` raises goes to the error handler: the value isn't one of this bot's.
    """

    @app.action(action_id)
    async def clicked(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        action = body["actions"][0]
        chosen = action.get("selected_option") or action
        values = [read(chosen.get("value"))] if read is not None else []
        interaction = from_click(runtime, body, context, replace)
        flow.start(runtime, interaction, act(runtime, interaction, *values))
