"""A store for the last test of each connected account.

A convenience for the App Home and for reporting changes; the audit log has every test. It can't be trusted more than
the database, so nothing is decided by it, and a failure to write it fails nothing.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from bot.batch import Batch
from bot.clock import Clock
from bot.ids import is_id
from bot.operation import Operation
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.storage.engine import Database, DatabaseError, insert_into
from bot.storage.tables import account_states

log = logging.getLogger(__name__)

_MICRO = 1_000_000
_AT_ONCE = 500
"""Maximum number of tokens in one statement: SQLite and PostgreSQL limit the number of parameters."""


@dataclass(frozen=True, slots=True)
class LastTest:
    """An account's last test: its state, and its time (seconds since the epoch, UTC). `code` is Slack's error code."""

    token_id: str
    provider_key: str | None
    at: float
    state: AccountState
    code: str | None = None


class AccountStates:
    """The last tests in the database, by workspace and token ID."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def known(self, team_id: str) -> Mapping[str, LastTest]:
        """Return the last tests of a workspace, by token ID. Raises DatabaseError."""
        wanted = select(account_states).where(account_states.c.team_id == team_id)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        return {row.token_id: _last_test(row) for row in rows if isinstance(row.at, int)}

    async def note(self, batch: Batch) -> None:
        """Store a batch's test results, or forget the accounts that a batch deleted. Never raises.

        A test that says nothing about its account, such as one while Slack was in trouble, leaves the last state. A
        token ID that isn't formed like one isn't stored: it could be a token.
        """
        ended = list(zip(batch.items, batch.results, strict=False))
        if batch.operation is Operation.TEST:
            rows = [
                {
                    "token_id": item.token_id,
                    "provider_key": item.provider_key,
                    "state": state.value,
                    "code": result.code,
                }
                for item, result in ended
                if (state := state_of(result.code)) is not AccountState.UNKNOWN and is_id(item.token_id)
            ]
            await self._write(batch.team_id, rows)
        else:
            deleted = [item.token_id for item, result in ended if result.code in (None, "token_not_found")]
            await self._forget(batch.team_id, account_states.c.token_id, deleted)

    async def forget_provider(self, team_id: str | None, provider_key: str | None) -> None:
        """Forget the accounts of a provider, or all if it isn't known which were deleted. Never raises."""
        keys = [provider_key] if provider_key is not None else None
        await self._forget(team_id, account_states.c.provider_key, keys)

    async def keep_only(self, team_id: str | None, token_ids: Collection[str]) -> None:
        """Forget the accounts that Slack no longer lists. Never raises."""
        if team_id is None:
            return
        try:
            gone = sorted({*await self.known(team_id)} - {*token_ids})
        except DatabaseError as error:
            _not_kept(error)
        else:
            await self._forget(team_id, account_states.c.token_id, gone)

    async def _write(self, team_id: str | None, found: Sequence[Mapping[str, str | None]]) -> None:
        if team_id is None or not found:
            return
        at = round(self._clock.now() * _MICRO)
        # In one order, so that two processes don't wait for each other's rows.
        rows = sorted(({**row, "team_id": team_id, "at": at} for row in found), key=lambda row: str(row["token_id"]))

        def write(connection: Connection) -> None:
            added = insert_into(connection, account_states)
            new, old = added.excluded, account_states.c
            # A test by a token's ID alone doesn't know its provider.
            changed = {
                "provider_key": func.coalesce(new.provider_key, old.provider_key),
                "at": new.at,
                "state": new.state,
                "code": new.code,
            }
            connection.execute(added.on_conflict_do_update(index_elements=["team_id", "token_id"], set_=changed), rows)

        await self._keep(write)

    async def _forget(self, team_id: str | None, column: Any, values: Sequence[str] | None) -> None:
        """Delete the rows with these values in a column; all rows of the workspace for None."""
        if team_id is None or values == []:
            return
        chunks = [None] if values is None else [values[n : n + _AT_ONCE] for n in range(0, len(values), _AT_ONCE)]

        def write(connection: Connection) -> None:
            for chunk in chunks:
                of_team = delete(account_states).where(account_states.c.team_id == team_id)
                connection.execute(of_team if chunk is None else of_team.where(column.in_(chunk)))

        await self._keep(write)

    async def _keep(self, write: Callable[[Connection], None]) -> None:
        try:
            await self._database.run(write)
        except DatabaseError as error:
            _not_kept(error)


def _last_test(row: Any) -> LastTest:
    # Another version may have stored other states.
    known = row.state in {state.value for state in AccountState}
    state = AccountState(row.state) if known else AccountState.UNKNOWN
    return LastTest(row.token_id, row.provider_key, row.at / _MICRO, state, row.code)


def _not_kept(error: DatabaseError) -> None:
    log.warning("what a test found couldn't be kept for the App Home", extra={"why": str(error)})
