"""A workspace's settings: the button in the App Home and the modal, for the workspace's admins and owners."""

import logging
from dataclasses import dataclass

from bot.actor import Workspace
from bot.audit.entries import AuditResult, Event
from bot.listeners import flow
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation
from bot.outcomes import AlreadyRun, Denied
from bot.storage.engine import DatabaseError
from bot.views import settings as screens
from bot.views import settings_form
from bot.views.buttons import OPEN_SETTINGS
from bot.views.notices import CHECKING, OUTDATED
from bot.views.parts import View, as_view
from bot.views.permissions import denied_screen
from bot.views.settings_form import LABELS, ShownSettings, SubmittedSettings
from bot.workspaces.own_token import find_problem
from bot.workspaces.runtime import SettingsKeeper, SettingsSnapshot
from bot.workspaces.settings import ChangeSettings, WorkspaceSettings

routes = Routes()
log = logging.getLogger(__name__)

MEANWHILE, NO_PLACE = "changed_meanwhile", "nobody_to_ask"


@routes.click(OPEN_SETTINGS, replace=Replace.NEVER)
async def open_form(interaction: Interaction) -> None:
    """Open the modal, for a person who can save it."""
    keeper, workspace = interaction.runtime.keeper, interaction.runtime.installed_in
    if keeper is None or workspace is None:
        # Only an outdated App Home has the button, because now the operator sets the settings.
        await flow.open_modal(interaction, as_view(OUTDATED))
        return

    async def view(_: Decisions) -> View:
        kept = await keeper.read(workspace)
        return _form(kept, kept.settings)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.SETTINGS)], view)


def _form(kept: SettingsSnapshot, shown: WorkspaceSettings, *problems: str) -> View:
    seen = ShownSettings(kept.version, settings_form.fingerprints(kept.settings))
    return settings_form.build(shown, seen, problems, has_token=kept.settings.api_token is not None)


@routes.modal(settings_form.CALLBACK_ID, settings_form.parse, shows=lambda _: CHECKING, stays=lambda _: True)
async def save(interaction: Interaction, submitted: SubmittedSettings) -> None:
    """Save the person's changes, unless someone else saved since they opened the modal."""
    runtime = interaction.runtime
    keeper, workspace = runtime.keeper, runtime.installed_in
    if keeper is None or workspace is None:
        await flow.show(interaction, OUTDATED)
    elif not submitted.changed:
        await flow.show(interaction, screens.UNCHANGED)
    else:
        try:
            await _SettingsSave(interaction, keeper, workspace, submitted).run()
        except DatabaseError as error:
            log.error("settings couldn't be saved", extra={"why": str(error)})
            reference = interaction.actor.reference
            await flow.show(interaction, screens.unsure_screen(reference, runtime.contact))


@dataclass
class _SettingsSave:
    """One person's attempt to save."""

    interaction: Interaction
    keeper: SettingsKeeper
    workspace: Workspace
    submitted: SubmittedSettings
    problem: str | None = None

    async def run(self) -> None:
        """Save with an entry in the audit log, and show the result."""
        actor = self.interaction.actor
        version = self.submitted.seen.version + 1
        request = ChangeSettings(self.submitted.changed, self.workspace.id, version, self.submitted.removes_token)
        outcome = await self.interaction.runtime.service.step(actor, request, self._act)
        if isinstance(outcome, AlreadyRun):
            return
        if isinstance(outcome, Denied):
            await flow.show(self.interaction, denied_screen(outcome, self.interaction.runtime.contact))
        elif outcome.outcome == "saved":
            await self._saved(Event.of(actor, request), outcome)
        else:
            await self._show_again(outcome.code)

    async def _act(self) -> AuditResult:
        """Check a new API token with Slack, and save. The caller has just checked the person's permission."""
        kept = await self.keeper.read(self.workspace)
        if kept.version != self.submitted.seen.version:
            return AuditResult("failed", MEANWHILE, 0)
        settings = self._merged(kept)
        if settings.lacks_place:
            return AuditResult("failed", NO_PLACE, 0)
        new_token = self.submitted.settings.api_token
        if new_token is not None:
            self.problem = await find_problem(self.interaction.runtime.shared.clients, new_token, self.workspace)
            if self.problem is not None:
                return AuditResult("failed", self.problem, 0)
        if not await self.keeper.save(self.workspace, settings, self.submitted.changed, self.submitted.seen.version):
            return AuditResult("failed", MEANWHILE, 0)
        return AuditResult("saved", None, 0)

    def _merged(self, kept: SettingsSnapshot) -> WorkspaceSettings:
        """Return the stored settings with the person's changes."""
        changed = {name: getattr(self.submitted.settings, name) for name in self.submitted.changed}
        return kept.settings.model_copy(update=changed)

    async def _saved(self, event: Event, result: AuditResult) -> None:
        """Apply the new settings, announce them in a new audit channel, and show the result to the person."""
        now = await self.keeper.runtime(self.workspace)
        channel = now.audit_channel if now is not None else None
        if channel is not None and channel is not self.interaction.runtime.audit_channel:
            channel(event, result)
        labels = [label for name, label in LABELS.items() if name in self.submitted.changed]
        where = channel.channel if channel is not None else None
        await flow.show(self.interaction, screens.saved_screen(labels, where, event.reference))

    async def _show_again(self, code: str | None) -> None:
        """Show the modal again with the currently stored settings and this person's changes."""
        kept = await self.keeper.read(self.workspace)
        if self.problem is not None:
            problems = [screens.token_problem(self.problem)]
        elif code == NO_PLACE:
            problems = [settings_form.NO_PLACE]
        else:
            theirs = settings_form.fingerprints(kept.settings)
            both = [
                name
                for name in self.submitted.changed
                if theirs.get(name, "") != self.submitted.seen.fingerprints.get(name, "")
            ]
            problems = [screens.changed_meanwhile([label for name, label in LABELS.items() if name in both])]
        if self.submitted.settings.api_token is not None:
            problems.append("Enter the API token again: it wasn't kept.")
        if self.submitted.removes_token:
            problems.append("Choose again that the API token is to be removed.")
        await flow.open_modal(self.interaction, _form(kept, self._merged(kept), *problems))
