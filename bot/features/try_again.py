"""The button *Try again* under an explanation."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.external_auth.models import DeleteTokens
from bot.features import delete, get
from bot.features import visit as visits
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.replies import Replace
from bot.ui.buttons import Button, Deed, Errand, read


async def do_again(runtime: Runtime, visit: Visit, errand: Errand) -> None:
    """The same request once more. A deletion is asked about again: much may have happened since."""
    if isinstance(errand.request, DeleteTokens):
        await delete.confirm(runtime, visit, errand.request)
    else:
        await get.fetch_again(runtime, visit, errand.request, show=errand.deed is Deed.SHOW)


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the button."""

    @app.action(Button.TRY_AGAIN.action_id)
    async def on_click(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        errand = read(body["actions"][0].get("value"))
        visit = visits.from_click(runtime, body, context, Replace.ALWAYS)
        runtime.start(visit, lambda here: do_again(runtime, here, errand))
