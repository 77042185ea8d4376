"""Appends to a log in PostgreSQL: as a rule, each batch is one statement, and so one round trip.

That statement counts on the heads this process wrote last. Where another process has written since, it does nothing,
and the batch is written in a transaction that locks the heads first. So it isn't tried again for a chain that others
write to as well, until nobody else has written between two of this process's batches.
"""

import json
from collections.abc import Mapping, Sequence

import asyncpg
from cachetools import LRUCache

from bot.audit.append import Heads, Item, Number, Plan, add_chains, chains_of, plan
from bot.audit.head import Head, authentic, stored_head, stored_root
from bot.audit.keys import AuditKey
from bot.storage.database import DatabaseError
from bot.storage.postgresql import PostgresDatabase

_READ_HEADS = "SELECT * FROM audit_heads WHERE chain = ANY($1::text[]) ORDER BY chain FOR UPDATE"
_READ_PLACES = "SELECT ordinal, chain, log_id FROM audit_heads"
_COUNT_HEADS = "SELECT count(*) FROM audit_heads WHERE chain = ANY($1::text[])"
_READ_ROOT = "SELECT * FROM audit_root WHERE id = 1 FOR UPDATE"
_WRITE_ROOT = "UPDATE audit_root SET (chains, carried_number, mac) = ($1, $2, $3) WHERE id = 1"
_ADD_HEADS = "INSERT INTO audit_heads SELECT * FROM json_populate_recordset(NULL::audit_heads, $1)"
_COUNT_ROWS = """
SELECT count(*) FROM audit_records
JOIN unnest($1::text[], $2::bigint[], $3::text[]) AS written (chain, number, hash) USING (chain, number, hash)
"""
_READ_CLAIMS = "SELECT key, owner, attempt FROM interactions WHERE key = ANY($1::text[])"
_ANSWER = """
UPDATE interactions SET reply_to = NULL, is_finished = is_finished OR attempt IS NULL WHERE key = ANY($1::text[])
"""
_RECEIVE = """
INSERT INTO interactions (key, chain, at, attempt, is_finished, owner, reply_to)
SELECT key, chain, at, attempt, is_finished, owner, reply_to FROM json_populate_recordset(NULL::interactions, $1)
ON CONFLICT DO NOTHING RETURNING key
"""
_WRITE = """
WITH expected AS (
    SELECT * FROM json_to_recordset($1) AS expected (
        chain text, old_number bigint, old_mac text, number bigint, hash text, entries bigint, mac text
    )
), locked AS (
    -- In one order, or two processes could wait for each other.
    SELECT chain, number, mac FROM audit_heads WHERE chain IN (SELECT chain FROM expected) ORDER BY chain FOR UPDATE
), found AS (
    SELECT count(*) = $6 AS is_expected FROM locked JOIN expected USING (chain)
    WHERE locked.number = old_number AND locked.mac = old_mac
), heads AS (
    UPDATE audit_heads AS head SET (number, hash, entries, mac) = (new.number, new.hash, new.entries, new.mac)
    FROM expected AS new, found WHERE is_expected AND head.chain = new.chain
), written AS (
    INSERT INTO audit_records
    SELECT record.* FROM json_populate_recordset(NULL::audit_records, $2) AS record, found WHERE is_expected
), claimed AS (
    INSERT INTO interactions (key, chain, at, attempt, is_finished, owner, reply_to)
    SELECT key, chain, at, attempt, is_finished, owner, reply_to
    FROM json_populate_recordset(NULL::interactions, $3), found WHERE is_expected
    ON CONFLICT (key) DO UPDATE SET
        at = excluded.at, attempt = excluded.attempt, is_finished = excluded.is_finished, reply_to = excluded.reply_to
    WHERE interactions.owner = excluded.owner AND interactions.attempt IS NULL AND excluded.attempt IS NOT NULL
    RETURNING key
), finished AS (
    UPDATE interactions SET is_finished = true FROM unnest($4::text[], $5::bigint[]) AS done (chain, attempt), found
    WHERE is_expected AND interactions.chain = done.chain AND interactions.attempt = done.attempt
)
-- A claim that isn't ours takes everything back: division by zero is the error that a query can raise by itself.
SELECT CASE WHEN is_expected THEN 1 ELSE 0 END / (
    CASE WHEN NOT is_expected OR (SELECT count(*) FROM claimed) = $7 THEN 1 ELSE 0 END
) FROM found
"""
_NOT_OURS = asyncpg.DivisionByZeroError
_DEADLOCK = asyncpg.DeadlockDetectedError
_CONNECTION_LOST = (asyncpg.PostgresConnectionError, OSError)
_TRIES = 3
_HEADS_KEPT = 10_000


class PostgresAppender:
    """Appends batches to a log in PostgreSQL, several at once."""

    def __init__(self, database: PostgresDatabase, key: AuditKey) -> None:
        self.lanes = database.writers
        self._database = database
        self._key = key
        self._heads: LRUCache[str, Head] = LRUCache(_HEADS_KEPT)
        self._contended: LRUCache[str, bool] = LRUCache(_HEADS_KEPT)

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[Number]:
        """Write a batch and note who has been answered. Returns the numbers of the plan. Raises DatabaseError."""
        if answered:
            async with self._database.writer() as connection:
                await connection.execute(_ANSWER, answered)
        if not batch:
            return []
        if all(item.row is None for item in batch):
            return await self._receive(batch)
        chains = chains_of(batch)
        expected = {chain: head for chain in chains if (head := self._heads.pop(chain, None)) is not None}
        is_worth_it = len(expected) == len(chains) and not any(self._contended.get(chain) for chain in chains)
        tried = plan(self._key, expected, {}, batch) if is_worth_it else None
        if tried is not None and await self._try(expected, tried):
            made = tried
        else:
            # A chain that this process has written to before is there.
            before, made = await self._append(batch, tried, may_be_new=len(expected) < len(chains))
            others = [chain for chain in chains if made is not tried and expected.get(chain) != before.get(chain)]
            self._contended.update({chain: chain in others for chain in chains})
        self._heads.update(made.heads)
        return made.numbers

    async def _receive(self, batch: Sequence[Item]) -> Sequence[Number]:
        """Write claims alone, which leaves the chains as they are."""
        made = plan(self._key, {}, {}, batch)
        async with self._database.writer() as connection:
            found = await connection.fetch(_RECEIVE, json.dumps(list(made.claims.values())))
        new = {record["key"] for record in found}
        return [
            number if item.claim is not None and item.claim.key in new else None
            for item, number in zip(batch, made.numbers, strict=True)
        ]

    async def _try(self, expected: Mapping[str, Head], made: Plan) -> bool:
        """Write a plan in one round trip. Returns False when it wasn't written, or nobody knows."""
        try:
            async with self._database.writer() as connection:
                return await self._write(connection, expected, made)
        except DatabaseError as error:
            if isinstance(error.__context__, (_NOT_OURS, *_CONNECTION_LOST)):
                return False
            raise

    async def _append(self, batch: Sequence[Item], tried: Plan | None, *, may_be_new: bool) -> tuple[Heads, Plan]:
        """Write a batch in a transaction that locks the heads. Returns the heads as they were, and the plan."""
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.writer() as connection, connection.transaction():
                    heads = await self._locked(connection, chains_of(batch), may_be_new=may_be_new)
                    if tried is not None and await self._is_written(connection, tried, heads):
                        return heads, tried  # The connection was lost only after it had been written.
                    keys = [item.claim.key for item in batch if item.claim is not None]
                    claims = await connection.fetch(_READ_CLAIMS, keys) if keys else []
                    known = {claim["key"]: (claim["owner"], claim["attempt"]) for claim in claims}
                    made = plan(self._key, heads, known, batch)
                    before = {chain: head for chain, head in heads.items() if isinstance(head, Head)}
                    await self._write(connection, before, made)
                    return heads, made
            except DatabaseError as error:
                # Another process may have claimed one of the interactions in between, or added a chain.
                if not left or not isinstance(error.__context__, (_NOT_OURS, _DEADLOCK)):
                    raise
        raise AssertionError("The last try returns or raises.")

    async def _is_written(self, connection: asyncpg.Connection, tried: Plan, heads: Heads) -> bool:
        """Return whether a plan is in the log, by its last rows: others may have written behind it since."""
        if not tried.heads or all(heads[of] == head for of, head in tried.heads.items()):
            return bool(tried.heads)
        last = zip(*((head.chain, head.number, head.hash) for head in tried.heads.values()), strict=True)
        return bool(await connection.fetchval(_COUNT_ROWS, *last) == len(tried.heads))

    async def _locked(self, connection: asyncpg.Connection, chains: Sequence[str], *, may_be_new: bool) -> Heads:
        """Return the heads of chains, locked until the transaction ends, with new ones where there are none yet.

        Where one is new, the root is locked before any head: in another order, two processes could wait for each other.
        A chain that is there stays, so whether the root is needed can be seen without a lock.
        """
        is_new = may_be_new and await connection.fetchval(_COUNT_HEADS, chains) < len(chains)
        found = await connection.fetchrow(_READ_ROOT) if is_new else None
        heads = await self._read(connection, chains)
        if any(chain not in heads for chain in chains):
            found = found or await connection.fetchrow(_READ_ROOT)
            places = [(row["ordinal"], row["chain"], row["log_id"]) for row in await connection.fetch(_READ_PLACES)]
            stored = stored_root(dict(found), self._key, places) if found is not None else None
            root, added = add_chains(stored, places, [chain for chain in chains if chain not in heads])
            places += [head.place for head in added.values()]
            await connection.execute(_WRITE_ROOT, root.chains, root.carried_number, root.mac(self._key, places))
            await connection.execute(_ADD_HEADS, json.dumps([head.stored(self._key) for head in added.values()]))
            heads.update(added)
        return heads

    async def _read(self, connection: asyncpg.Connection, chains: Sequence[str]) -> dict[str, Head | DatabaseError]:
        heads: dict[str, Head | DatabaseError] = {}
        for found in await connection.fetch(_READ_HEADS, chains):
            try:
                heads[found["chain"]] = authentic(stored_head(dict(found), self._key))
            except DatabaseError as error:
                heads[found["chain"]] = error
        return heads

    async def _write(self, connection: asyncpg.Connection, before: Mapping[str, Head], made: Plan) -> bool:
        """Write a plan, if the heads are those before it. Returns whether they were."""
        claims = list(made.claims.values())
        heads = [self._move(before[chain], head) for chain, head in made.heads.items()]
        is_written = await connection.fetchval(
            _WRITE,
            *(json.dumps(heads), json.dumps(made.rows), json.dumps(claims)),
            *([chain for chain, _ in made.finished], [attempt for _, attempt in made.finished]),
            *(len(heads), len(claims)),
        )
        return bool(is_written)

    def _move(self, before: Head, after: Head) -> Mapping[str, str | int]:
        return {
            "chain": after.chain,
            "old_number": before.number,
            "old_mac": before.mac(self._key),
            "number": after.number,
            "hash": after.hash,
            "entries": after.entries,
            "mac": after.mac(self._key),
        }
