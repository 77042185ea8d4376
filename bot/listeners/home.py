"""The App Home, rebuilt each time someone opens it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.listeners import flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.runtime import Runtime
from bot.ui.home import home_view


async def publish(runtime: Runtime, opened: Interaction) -> None:
    """Draw the person's App Home by what they are allowed to do now."""
    decisions = await runtime.service.authorize(opened.actor)
    client = runtime.clients.web(opened.actor.bot_token)
    await client.views_publish(user_id=opened.actor.user_id, view=home_view(decisions, runtime.contact))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the tab being opened."""

    @app.event("app_home_opened")
    async def on_opened(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        if event.get("tab") == "home":
            opened = interaction.from_home(context)
            await flow.start(runtime, opened, publish(runtime, opened))
