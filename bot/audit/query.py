"""Filters to the conditions that find their rows."""

from typing import Any

from bot.audit.entries import Filters
from bot.audit.head import DENIED, PRUNE
from bot.storage.expressions import unindexed
from bot.storage.tables import BEGINS_ENTRY, PROVIDER_KEY, STANDS_ALONE, TOKEN_ID, audit_records

_MICRO = 1_000_000


def rows_of(filters: Filters) -> list[Any]:
    """Return the conditions for the rows that begin the wanted entries, wherever a page of them begins."""
    table = audit_records.c
    action = table.kind if filters.action in (DENIED, PRUNE) else table.action
    # Of an organization where no workspace is known, no entry has a team.
    is_org = filters.team_id is not None and filters.team_id.startswith("E")
    # What few entries have comes first: by that they are looked up.
    wanted = (
        (TOKEN_ID, filters.external_token_id),
        (PROVIDER_KEY, filters.provider_key),
        (table.user_id, filters.user_id),
        (action, filters.action),
        (table.chain if is_org else table.team_id, filters.team_id),
    )
    given = [(column, value) for column, value in wanted if value is not None]
    where: list[Any] = [BEGINS_ENTRY if action is table.action else STANDS_ALONE]
    where += [column == value for column, value in given[:1]]
    where += [unindexed(column) == value for column, value in given[1:]]
    if filters.reference is not None:
        where.append(table.reference == filters.reference)
    if filters.since is not None:
        where.append(table.at >= round(filters.since * _MICRO))
    return where
