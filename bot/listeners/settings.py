"""A workspace's settings: the button in the App Home and the modal, for the workspace's admins and owners."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.actor import Workspace
from bot.audit.entries import AuditResult, Event
from bot.listeners import flow, interaction
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import on_click
from bot.listeners.replies import Replace
from bot.operation import OpenForm, Operation
from bot.outcomes import AlreadyRun, Denied
from bot.storage.engine import DatabaseError
from bot.views import settings as screens
from bot.views import settings_form
from bot.views.buttons import OPEN_SETTINGS
from bot.views.notices import checking_screen, outdated_screen
from bot.views.parts import as_view
from bot.views.permissions import denied_screen
from bot.views.settings_form import LABELS, NAMES, TOKEN, Seen, Submitted
from bot.workspaces.own_token import find_problem
from bot.workspaces.runtime import Kept, Runtime, SettingsKeeper
from bot.workspaces.settings import ChangeSettings, WorkspaceSettings

log = logging.getLogger(__name__)

MEANWHILE, NO_PLACE = "changed_meanwhile", "nobody_to_ask"


async def open_form(runtime: Runtime, clicked: Interaction) -> None:
    """Open the modal, for those who can save it."""
    keeper, workspace = runtime.keeper, runtime.installed_in
    if keeper is None or workspace is None:
        # The operator decides, so there was no button.
        await flow.open_modal(runtime, clicked, as_view(outdated_screen()))
        return

    async def view(_: Decisions) -> View:
        kept = await keeper.read(workspace)
        return _form(kept, kept.settings)

    await flow.open_if_allowed(runtime, clicked, [OpenForm(Operation.SETTINGS)], view)


def _form(kept: Kept, shown: WorkspaceSettings, *problems: str) -> View:
    seen = Seen.of(kept.settings, kept.version)
    return settings_form.build(shown, seen, problems, has_token=kept.settings.api_token is not None)


async def save(runtime: Runtime, interaction: Interaction, submitted: Submitted, seen: Seen) -> None:
    """Save what a person changed, unless somebody else saved since they opened the modal."""
    keeper, workspace = runtime.keeper, runtime.installed_in
    changed = submitted.changed(seen)
    if keeper is None or workspace is None:
        await flow.show(interaction, outdated_screen())
    elif not changed:
        await flow.show(interaction, screens.unchanged_screen())
    else:
        try:
            await _Saving(runtime, interaction, keeper, workspace, submitted, seen, changed).run()
        except DatabaseError as error:
            log.error("settings couldn't be saved", extra={"why": str(error)})
            reference = interaction.actor.reference
            await flow.show(interaction, screens.unsure_screen(reference, runtime.contact))


@dataclass
class _Saving:
    """One person's attempt to save."""

    runtime: Runtime
    interaction: Interaction
    keeper: SettingsKeeper
    workspace: Workspace
    submitted: Submitted
    seen: Seen
    changed: Collection[str]
    problem: str | None = None

    async def run(self) -> None:
        """Save with a record, and show what came of it."""
        actor = self.interaction.actor
        version = self.seen.version + 1
        request = ChangeSettings(self.changed, self.workspace.id, version, self.submitted.removes_token)
        outcome = await self.runtime.service.step(actor, request, self._act)
        if isinstance(outcome, AlreadyRun):
            return
        if isinstance(outcome, Denied):
            await flow.show(self.interaction, denied_screen(outcome, self.runtime.contact))
        elif outcome.outcome == "saved":
            await self._saved(Event.of(actor, request), outcome)
        else:
            await self._show_again(outcome.code)

    async def _act(self) -> AuditResult:
        """Try the token and save. A person's standing has just been checked."""
        kept = await self.keeper.read(self.workspace)
        if kept.version != self.seen.version:
            return AuditResult("failed", MEANWHILE, 0)
        settings = self._merged(kept)
        if settings_form.lacks_place(settings):
            return AuditResult("failed", NO_PLACE, 0)
        if self.submitted.new_token is not None:
            self.problem = await find_problem(self.runtime.clients, self.submitted.new_token, self.workspace)
            if self.problem is not None:
                return AuditResult("failed", self.problem, 0)
        if not await self.keeper.save(self.workspace, settings, self.changed, self.seen.version):
            return AuditResult("failed", MEANWHILE, 0)
        return AuditResult("saved", None, 0)

    def _merged(self, kept: Kept) -> WorkspaceSettings:
        """Return what is kept, with what the person changed."""
        wanted = {name: getattr(self.submitted.settings, name) for name in self.changed if name != TOKEN}
        if TOKEN in self.changed:
            wanted[TOKEN] = self.submitted.new_token
        return replace(kept.settings, **wanted)

    async def _saved(self, event: Event, result: AuditResult) -> None:
        """Serve by the new settings from now on, and say so where it was said before, and where it is from now on."""
        now = await self.keeper.runtime(self.workspace)
        channel = now.audit_channel if now is not None else None
        if channel is not None and channel is not self.runtime.audit_channel:
            channel(event, result)
        labels = [LABELS[name] for name in NAMES if name in self.changed]
        where = channel.channel if channel is not None else None
        await flow.show(self.interaction, screens.saved_screen(labels, where, event.reference))

    async def _show_again(self, code: str | None) -> None:
        """Show the modal again, as others left it meanwhile, with what this person changed."""
        kept = await self.keeper.read(self.workspace)
        if self.problem is not None:
            problems = [screens.token_problem(self.problem)]
        elif code == NO_PLACE:
            problems = [settings_form.NO_PLACE]
        else:
            theirs = settings_form.fingerprints(kept.settings)
            both = [name for name in self.changed if theirs.get(name, "") != self.seen.fingerprints.get(name, "")]
            problems = [screens.changed_meanwhile([LABELS[name] for name in NAMES if name in both])]
        if self.submitted.new_token is not None:
            problems.append("Enter the API token again: it wasn't kept.")
        if self.submitted.removes_token:
            problems.append("Choose again that the API token is to be removed.")
        await flow.open_modal(self.runtime, self.interaction, _form(kept, self._merged(kept), *problems))


def register(app: AsyncApp) -> None:
    """Listen for the button and the modal."""

    on_click(app, OPEN_SETTINGS, open_form, replace=Replace.NEVER)

    @app.view(settings_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        view = body["view"]
        seen = Seen.read(view["private_metadata"])
        submitted = settings_form.parse(view["state"]["values"])
        if isinstance(submitted, dict):
            await ack(response_action="errors", errors=submitted)
            return
        saved = interaction.from_submission(runtime, body, context, stays_in_modal=True)
        await ack(response_action="update", view=as_view(checking_screen()))
        flow.start(runtime, saved, save(runtime, saved, submitted, seen))
