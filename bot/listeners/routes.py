"""Routes from payloads to functions: decorators that acknowledge a payload, unpack it, and start the function.

Bolt gives each listener the runtime of the payload's workspace.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.listeners import flow, interaction
from bot.listeners.interaction import Body, Interaction
from bot.listeners.replies import ModalReply, Replace
from bot.views.fields import SubmittedView
from bot.views.notices import working_screen
from bot.views.parts import Block, Screen, as_view
from bot.workspaces.runtime import Runtime

Act = TypeVar("Act", bound=Callable[..., Coroutine[None, None, None]])
"""A listener: the function that handles an `Interaction`."""
Suggest = Callable[[Interaction, str], Awaitable[Sequence[Block]]]


class Routes:
    """A table of payloads and their listeners."""

    def __init__(self) -> None:
        self._listeners: list[tuple[str, str, Callable[..., Awaitable[None]]]] = []

    def register(self, app: AsyncApp) -> None:
        for kind, name, listener in self._listeners:
            getattr(app, kind)(name)(listener)

    def command(self, name: str) -> Callable[[Act], Act]:
        """Decorate the handler of a slash command, which gets the text after it."""

        def route(act: Act) -> Act:
            async def on_command(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                await ack()
                typed = interaction.from_command(runtime, body, context)
                flow.start(typed, act(typed, str(body.get("text") or "")))

            self._listeners.append(("command", name, on_command))
            return act

        return route

    def shortcut(self, callback_id: str) -> Callable[[Act], Act]:
        """Decorate the handler of a global shortcut."""

        def route(act: Act) -> Act:
            async def on_shortcut(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                await ack()
                chosen = interaction.from_shortcut(runtime, body, context)
                flow.start(chosen, act(chosen))

            self._listeners.append(("shortcut", callback_id, on_shortcut))
            return act

        return route

    def home(self, act: Act) -> Act:
        """Decorate the handler of the opening of the App Home."""

        async def on_opened(ack: AsyncAck, event: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
            await ack()
            if event.get("tab") == "home":
                opened = interaction.without_place(runtime, context)
                flow.start(opened, act(opened))

        self._listeners.append(("event", "app_home_opened", on_opened))
        return act

    def click(
        self,
        *action_ids: str,
        read: Callable[[object], object] | None = None,
        replace: Replace = Replace.ON_SUCCESS,
    ) -> Callable[[Act], Act]:
        """Decorate the handler of a click on a button, a menu, or another element.

        It also gets the value as `read` returns it. Errors of `read` go to the error handler: Extauth didn't write that
        value.
        """

        def route(act: Act) -> Act:
            async def on_click(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                await ack()
                clicked = interaction.from_click(runtime, body, context, replace)
                values = [read(clicked.click.value)] if read is not None else []
                flow.start(clicked, act(clicked, *values))

            for action_id in action_ids:
                self._listeners.append(("action", action_id, on_click))
            return act

        return route

    def modal(
        self,
        callback_id: str,
        parse: Callable[[SubmittedView], Any],
        shows: Callable[[Any], Screen] = working_screen,
        stays: Callable[[Any], bool] = lambda _: False,
    ) -> Callable[[Act], Act]:
        """Decorate the handler of a submitted modal. It gets the result of `parse` for the view.

        Mistakes are shown beside the fields. The modal closes when the answer goes to the channel. Otherwise, or if it
        `stays`, it `shows` that work continues.
        """

        def route(act: Act) -> Act:
            async def on_submit(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                parsed = parse(body["view"])
                if isinstance(parsed, dict):
                    await ack(response_action="errors", errors=parsed)
                    return
                submitted = interaction.from_submission(runtime, body, context, stays_in_modal=stays(parsed))
                if isinstance(submitted.reply, ModalReply):
                    await ack(response_action="update", view=as_view(shows(parsed)))
                else:
                    await ack()
                flow.start(submitted, act(submitted, parsed))

            self._listeners.append(("view", callback_id, on_submit))
            return act

        return route

    def options(self, field: str) -> Callable[[Suggest], Suggest]:
        """Decorate the function that finds a field's options for the typed text.

        Slack takes them with the acknowledgement, within three seconds.
        """

        def route(suggest: Suggest) -> Suggest:
            async def on_key(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                groups = await suggest(interaction.without_place(runtime, context), str(body.get("value") or ""))
                await (ack(option_groups=groups) if groups else ack(options=[]))

            self._listeners.append(("options", field, on_key))
            return suggest

        return route
