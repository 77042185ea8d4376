"""Screens after a change of a workspace's settings."""

from collections.abc import Sequence

from bot.slack import mrkdwn
from bot.slack.calls import REFUSALS
from bot.views import parts
from bot.views.parts import Mark, Screen, notice
from bot.workspaces.own_token import OTHER_WORKSPACE, UNREACHABLE

UNCHANGED = notice("Settings", "Nothing changed", "The settings are as they were before.", mark=Mark.DONE)
"""The screen for a submission without changes."""


def saved_screen(changed: Sequence[str], channel: str | None, reference: str) -> Screen:
    """Return the screen with the changed settings. `channel` is the audit channel, which also announces them."""
    title = "The settings are saved"
    lines = "\n".join(f"• {name[0].upper()}{name[1:]}" for name in changed)
    blocks = [parts.heading(Mark.DONE, title), parts.paragraph(f"Changed:\n{lines}")]
    if channel is not None:
        blocks.append(
            parts.paragraph(f"<#{channel}> gets a message about it. If none appears, invite Extauth to the channel.")
        )
    blocks.append(parts.small_print(f"They apply everywhere within 15 seconds. Reference {reference}"))
    return Screen("Saved", title, tuple(blocks))


def unsure_screen(reference: str, contact: str) -> Screen:
    """Return the screen for a database that failed while the settings were being saved."""
    return notice(
        "Settings",
        "The settings may or may not be saved",
        "Extauth's database didn't answer.\n*What to do:* Open the settings again to see what they are now. If "
        f"this keeps happening, contact {contact}.",
        f"Reference {reference}",
        mark=Mark.UNSURE,
    )


def changed_meanwhile(names: Sequence[str]) -> str:
    """Return the notice, as mrkdwn, that someone else saved first. `names` are the settings that both changed."""
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    both = f" You both changed {listed}: saving replaces theirs." if names else ""
    return (
        f"*Somebody else changed the settings meanwhile.* Yours aren't saved yet. Here are theirs, with what you "
        f"changed.{both} Check them and save again."
    )


def token_problem(code: str) -> str:
    """Return the problem with a token, as mrkdwn."""
    shown = mrkdwn.code(code, 100)
    if code == OTHER_WORKSPACE:
        why = "This API token belongs to another workspace. Enter one of this workspace."
    elif code in REFUSALS:
        why = f"Slack doesn't accept this API token ({shown}). Copy it again."
    elif code == UNREACHABLE:
        why = "Slack didn't answer, so the API token couldn't be checked. Try again in a minute."
    else:
        why = f"Slack couldn't check this API token ({shown}). Try again in a minute."
    return f"*{why}* Nothing is saved yet."
