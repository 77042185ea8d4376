"""The App Home: drawn anew each time a person opens it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.listeners import delete, flow, get, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.runtime import Runtime
from bot.ui.home import DELETE_BUTTON, GET_BUTTON, home_view


async def publish(runtime: Runtime, opened: Interaction) -> None:
    """Draw the person's App Home by what they are allowed to do now."""
    decisions = await runtime.service.authorize(opened.actor)
    client = runtime.clients.web(opened.actor.bot_token)
    await client.views_publish(user_id=opened.actor.user_id, view=home_view(decisions))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the tab and its buttons."""

    @app.event("app_home_opened")
    async def on_opened(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        if event.get("tab") == "home":
            opened = interaction.from_home(context)
            flow.start(runtime, opened, publish(runtime, opened))

    @app.action(GET_BUTTON)
    async def on_get(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context)
        flow.start(runtime, clicked, get.open_form(runtime, clicked))

    @app.action(DELETE_BUTTON)
    async def on_delete(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context)
        flow.start(runtime, clicked, delete.open_form(runtime, clicked))
