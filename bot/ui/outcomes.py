"""An outcome to what is shown of it."""

from bot.service import Deleted, Failed, Fetched, Outcome, Refused, Unrecorded
from bot.ui.deletions import deleted_screen
from bot.ui.failures import failure_screen
from bot.ui.notices import refusal_screen, unrecorded_screen
from bot.ui.screen import Screen
from bot.ui.tokens import masked_screen, token_screen


def outcome_screen(outcome: Outcome) -> Screen:
    """What a person is told of an outcome; a fetched token is masked."""
    match outcome:
        case Fetched():
            return masked_screen(outcome)
        case Deleted():
            return deleted_screen(outcome)
        case Refused():
            return refusal_screen(outcome)
        case Failed():
            return failure_screen(outcome)
        case Unrecorded():
            return unrecorded_screen(outcome)


def revealing_screen(outcome: Outcome) -> Screen:
    """The same, but a fetched token is shown whole. For a dialog only."""
    return token_screen(outcome) if isinstance(outcome, Fetched) else outcome_screen(outcome)
