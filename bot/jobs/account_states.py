"""A store for the last test of each connected account.

The App Home and reports of changes read the store; the audit log has every test. Anyone who can write to the database
can change the store, so no decision depends on it, and a failure to write to it is only logged.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

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
_NOT_KEPT = "what a test found couldn't be kept for the App Home"
_AT_ONCE = 500
"""Maximum number of tokens in one statement, because SQLite and PostgreSQL limit the number of parameters."""


@dataclass(frozen=True, slots=True)
class LastTest:
    """An account's last test, with the state found and the time (seconds since the epoch, UTC)."""

    token_id: str
    provider_key: str | None
    at: float
    state: AccountState
    code: str | None = None


@dataclass(frozen=True, slots=True)
class AccountStates:
    """The last tests in the database, by workspace and token ID."""

    database: Database
    clock: Clock

    async def known(self, team_id: str) -> Mapping[str, LastTest]:
        """Return the last tests of a workspace, by token ID. Raises DatabaseError."""
        wanted = select(account_states).where(account_states.c.team_id == team_id)
        rows = await self.database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        found = {}
        for row in rows:
            # Another version may have stored other states.
            state = AccountState(row.state) if row.state in {*AccountState} else AccountState.UNKNOWN
            if isinstance(row.at, int):
                found[row.token_id] = LastTest(row.token_id, row.provider_key, row.at / _MICRO, state, row.code)
        return found

    async def note(self, batch: Batch) -> None:
        """Store a batch's test results, or forget the accounts that a batch deleted. Never raises.

        A test that shows nothing about its account, such as one during an outage of Slack, leaves the last state. A
        token ID without the form of an ID isn't stored, because it could be a token.
        """
        ended = list(zip(batch.items, batch.results, strict=False))
        if batch.operation is not Operation.TEST:
            deleted = [item.token_id for item, result in ended if result.code in (None, "token_not_found")]
            await self.forget(batch.team_id, token_ids=deleted)
            return
        common = {"team_id": batch.team_id, "at": round(self.clock.now() * _MICRO)}
        rows = [
            {
                **common,
                "token_id": item.token_id,
                "provider_key": item.provider_key,
                "state": state.value,
                "code": result.code,
            }
            # Sorted, so that two processes don't deadlock on each other's rows.
            for item, result in sorted(ended, key=lambda pair: pair[0].token_id)
            if (state := state_of(result.code)) is not AccountState.UNKNOWN and is_id(item.token_id)
        ]

        def write(connection: Connection) -> None:
            added = insert_into(connection, account_states)
            new, old = added.excluded, account_states.c
            # Keeps the known provider after a test by token ID alone, which doesn't know the provider.
            provider_key = func.coalesce(new.provider_key, old.provider_key)
            changed = {"provider_key": provider_key, "at": new.at, "state": new.state, "code": new.code}
            connection.execute(added.on_conflict_do_update(index_elements=["team_id", "token_id"], set_=changed), rows)

        if batch.team_id is not None and rows:
            await self._keep(write)

    async def keep_only(self, team_id: str | None, token_ids: Collection[str]) -> None:
        """Forget the accounts that Slack no longer lists. Never raises."""
        if team_id is None:
            return
        try:
            gone = sorted({*await self.known(team_id)} - {*token_ids})
        except DatabaseError as error:
            log.warning(_NOT_KEPT, extra={"why": str(error)})
        else:
            await self.forget(team_id, token_ids=gone)

    async def forget(
        self, team_id: str | None, *, token_ids: Sequence[str] | None = None, provider_key: str | None = None
    ) -> None:
        """Forget a workspace's accounts with these token IDs, or of a provider, or all if neither is given.

        Never raises.
        """
        if team_id is None:
            return
        rows = delete(account_states).where(account_states.c.team_id == team_id)
        deletions = [rows if provider_key is None else rows.where(account_states.c.provider_key == provider_key)]
        if token_ids is not None:
            chunks = [token_ids[n : n + _AT_ONCE] for n in range(0, len(token_ids), _AT_ONCE)]
            deletions = [rows.where(account_states.c.token_id.in_(chunk)) for chunk in chunks]

        def write(connection: Connection) -> None:
            for deletion in deletions:
                connection.execute(deletion)

        if deletions:
            await self._keep(write)

    async def _keep(self, write: Callable[[Connection], None]) -> None:
        try:
            await self.database.run(write)
        except DatabaseError as error:
            log.warning(_NOT_KEPT, extra={"why": str(error)})
