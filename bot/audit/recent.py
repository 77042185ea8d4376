"""What the audit log knows of the token IDs that a person uses."""

import logging
from collections.abc import Sequence

from bot.actor import Actor
from bot.audit.entries import Entry, Filters
from bot.audit.log import AuditLog
from bot.ids import is_id
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

MOST_IDS = 5
_ENTRIES = 50


async def recent_token_ids(audit_log: AuditLog, actor: Actor) -> Sequence[str]:
    """Return the IDs of the tokens that this person fetched lately, newest first; none if the log can't be read."""
    if actor.team_id is None:
        return ()
    try:
        entries = await audit_log.newest(_ENTRIES, Filters(user_id=actor.user_id, team_id=actor.team_id))
    except DatabaseError as error:
        log.warning("the audit log couldn't be read for a person's token IDs", extra={"why": str(error)})
        return ()
    return fetched_ids(entries)[:MOST_IDS]


def fetched_ids(entries: Sequence[Entry]) -> Sequence[str]:
    """Return the IDs of fetched tokens, without those that were deleted afterward. The newest entry comes first."""
    ended: dict[str, str] = {}
    for entry in entries:
        token_id = entry.parameters.get("external_token_id")
        if isinstance(token_id, str) and is_id(token_id) and entry.outcome in ("fetched", "deleted"):
            ended.setdefault(token_id, entry.outcome)
    return tuple(token_id for token_id, outcome in ended.items() if outcome == "fetched")
