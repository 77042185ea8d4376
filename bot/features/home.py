"""The App Home: drawn anew each time a person opens it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.features import delete, get
from bot.features import visit as visits
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.ui.home import DELETE_BUTTON, GET_BUTTON, home_view


async def publish(runtime: Runtime, visit: Visit) -> None:
    """Draw the person's App Home by what they may do now."""
    permissions = await runtime.service.permissions(visit.actor)
    client = runtime.connection.client(visit.actor.bot_token)
    await client.views_publish(user_id=visit.actor.user_id, view=home_view(permissions))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the tab and its buttons."""

    @app.event("app_home_opened")
    async def on_opened(ack: AsyncAck, event: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        if event.get("tab") == "home":
            runtime.start(visits.from_home(context), lambda visit: publish(runtime, visit))

    @app.action(GET_BUTTON)
    async def on_get(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        runtime.start(visits.from_click(runtime, body, context), lambda visit: get.open_form(runtime, visit))

    @app.action(DELETE_BUTTON)
    async def on_delete(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        runtime.start(visits.from_click(runtime, body, context), lambda visit: delete.open_form(runtime, visit))
