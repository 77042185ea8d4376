"""Routes from payloads to functions: decorators that acknowledge a payload, unpack it, and start the function.

Bolt gives each listener the runtime of the payload's workspace.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.listeners import flow, interaction
from bot.listeners.interaction import Body, Interaction
from bot.listeners.replies import ModalReply, Replace
from bot.views.fields import SubmittedView
from bot.views.outcomes import working_screen
from bot.views.parts import Block, Screen, as_view
from bot.workspaces.registry import Workspaces
from bot.workspaces.runtime import RUNTIME, NotInstalled, Runtime

Act = TypeVar("Act", bound=Callable[..., Coroutine[None, None, None]])
"""A function that handles an `Interaction`."""
Unpack = Callable[[Runtime, Body, AsyncBoltContext], Sequence[Any]]
"""A function that returns a handler's arguments, with the `Interaction` first. It returns none to ignore a payload."""
Suggest = Callable[[Interaction, str], Awaitable[Sequence[Block]]]


class Routes:
    """A table of payloads and their listeners."""

    def __init__(self) -> None:
        self._listeners: list[tuple[str, str, Callable[..., Awaitable[None]]]] = []

    def register(self, app: AsyncApp) -> None:
        for kind, name, listener in self._listeners:
            getattr(app, kind)(name)(listener)

    def command(self, name: str) -> Callable[[Act], Act]:
        """Decorate the handler of a slash command. The handler gets the text after the command's name."""
        return self._route(
            "command",
            [name],
            lambda runtime, body, context: (
                interaction.from_command(runtime, body, context),
                str(body.get("text") or ""),
            ),
        )

    def shortcut(self, callback_id: str) -> Callable[[Act], Act]:
        """Decorate the handler of a global shortcut."""
        return self._route("shortcut", [callback_id], lambda *payload: (interaction.from_shortcut(*payload),))

    def home(self, act: Act) -> Act:
        """Decorate the handler that runs when a person opens the App Home."""

        def unpack(runtime: Runtime, body: Body, context: AsyncBoltContext) -> Sequence[Any]:
            return [interaction.without_place(runtime, context)] if body["event"].get("tab") == "home" else []

        return self._route("event", ["app_home_opened"], unpack)(act)

    def click(
        self,
        *action_ids: str,
        read: Callable[[object], object] | None = None,
        replace: Replace = Replace.ON_SUCCESS,
    ) -> Callable[[Act], Act]:
        """Decorate the handler of a click on a button, a menu, or another element.

        With `read`, the handler also gets the value that `read` returns. Errors of `read` go to the error handler,
        because they mean that this version of Extauth didn't write the value.
        """

        def unpack(runtime: Runtime, body: Body, context: AsyncBoltContext) -> Sequence[Any]:
            clicked = interaction.from_click(runtime, body, context, replace)
            return [clicked] if read is None else [clicked, read(clicked.click.value)]

        return self._route("action", action_ids, unpack)

    def _route(self, kind: str, names: Sequence[str], unpack: Unpack) -> Callable[[Act], Act]:
        """Decorate the handler of payloads whose acknowledgement is empty."""

        def route(act: Act) -> Act:
            async def on_payload(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                await ack()
                unpacked = unpack(runtime, body, context)
                if unpacked:
                    unpacked[0].runtime.shared.tasks.start(flow.guard(unpacked[0], act(*unpacked)))

            self._listeners += [(kind, name, on_payload) for name in names]
            return act

        return route

    def modal(
        self,
        callback_id: str,
        parse: Callable[[SubmittedView], Any],
        shows: Callable[[Any], Screen] = working_screen,
        stays: Callable[[Any], bool] = lambda _: False,
    ) -> Callable[[Act], Act]:
        """Decorate the handler of a submitted modal, which gets the result of `parse` for the view.

        If `parse` returns a dict, its messages are shown beside the fields. Otherwise the modal closes if the result
        goes to the channel. If the result goes to the modal, or `stays` returns True, the modal gets the screen that
        `shows` returns.
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
                submitted.runtime.shared.tasks.start(flow.guard(submitted, act(submitted, parsed)))

            self._listeners.append(("view", callback_id, on_submit))
            return act

        return route

    def options(self, field: str) -> Callable[[Suggest], Suggest]:
        """Decorate the function that finds a field's options for the typed text.

        Slack accepts the options only in the acknowledgement, within three seconds.
        """

        def route(suggest: Suggest) -> Suggest:
            async def on_key(ack: AsyncAck, body: Body, context: AsyncBoltContext, runtime: Runtime) -> None:
                groups = await suggest(interaction.without_place(runtime, context), str(body.get("value") or ""))
                await (ack(option_groups=groups) if groups else ack(options=[]))

            self._listeners.append(("options", field, on_key))
            return suggest

        return route


def authorize_by(workspaces: Workspaces, install_url: str | None) -> Callable[..., Awaitable[AuthorizeResult]]:
    """Return the function that finds a request's workspace and puts its runtime into Bolt's context.

    It replaces Bolt's own functions, which call auth.test before they acknowledge.
    """

    async def authorize(context: AsyncBoltContext, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        runtime = await workspaces.find(team_id, enterprise_id)
        if runtime is None:
            raise NotInstalled(install_url)
        context[RUNTIME] = runtime
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=runtime.bot_token.get_secret_value()
        )

    return authorize
