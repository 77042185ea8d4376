"""The screen for each outcome."""

from typing import assert_never

from bot.operation import Operation
from bot.outcomes import (
    Deleted,
    Denied,
    Done,
    Failed,
    Fetched,
    HistoryPage,
    HistoryUnavailable,
    Listed,
    NotRecorded,
    NotSent,
    Tested,
)
from bot.views.accounts import accounts_screen
from bot.views.failures import failure_screen
from bot.views.history import history_screen
from bot.views.notices import history_unavailable_screen, not_recorded_screen, not_sent_screen
from bot.views.parts import Screen
from bot.views.permissions import denied_screen
from bot.views.tokens import deleted_screen, masked_screen, tested_screen, token_screen

Shown = Done | HistoryPage | HistoryUnavailable | Denied | NotRecorded | NotSent
"""Outcomes that a person is shown. An interaction that came again has none."""


def outcome_screen(outcome: Shown, contact: str) -> Screen:
    """Return the screen for an outcome. `contact` is the person to ask for help.

    A screen that shows a token in full is for a modal only.
    """
    match outcome:
        case Fetched():
            is_shown = outcome.request.operation is Operation.SHOW
            return token_screen(outcome) if is_shown else masked_screen(outcome)
        case Tested():
            return tested_screen(outcome)
        case Deleted():
            return deleted_screen(outcome)
        case Listed():
            return accounts_screen(outcome)
        case HistoryPage():
            return history_screen(outcome)
        case HistoryUnavailable():
            return history_unavailable_screen(outcome, contact)
        case Denied():
            return denied_screen(outcome, contact)
        case Failed():
            return failure_screen(outcome, contact)
        case NotRecorded():
            return not_recorded_screen(outcome, contact)
        case NotSent():
            return not_sent_screen(outcome)
        case _:
            assert_never(outcome)
