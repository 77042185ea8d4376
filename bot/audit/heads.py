"""Reads and writes the heads of the chains, and the root that counts them, in a transaction."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import insert, select, update

from bot.audit.head import (
    SHARED,
    Head,
    Place,
    Root,
    Row,
    authentic,
    chained,
    is_of_single_chain,
    stored_head,
    stored_root,
)
from bot.audit.keys import AuditKey
from bot.storage.database import Transaction
from bot.storage.tables import audit_heads, audit_records, audit_root

_PAGE = 5000


async def read_heads(transaction: Transaction, key: AuditKey) -> Mapping[str, tuple[Head, bool]]:
    """Return all heads by their chains, oldest chain first, and whether each is authentic."""
    found = await transaction.execute(select(audit_heads).order_by(audit_heads.c.ordinal))
    return {row["chain"]: stored_head(row, key) for row in found.mappings()}


async def read_some(transaction: Transaction, key: AuditKey, chains: Sequence[str]) -> Mapping[str, tuple[Head, bool]]:
    """Return the heads of some chains, those that there are, and whether each is authentic."""
    found = await transaction.execute(select(audit_heads).where(audit_heads.c.chain.in_(chains)))
    return {row["chain"]: stored_head(row, key) for row in found.mappings()}


async def read_root(transaction: Transaction, key: AuditKey) -> tuple[Root, bool] | None:
    """Return the root, and whether it is authentic; None where it is missing."""
    row = (await transaction.execute(select(audit_root).where(audit_root.c.id == 1))).mappings().one_or_none()
    return stored_root(row, key, await _places(transaction)) if row is not None else None


async def _places(transaction: Transaction) -> Sequence[Place]:
    table = audit_heads.c
    found = (await transaction.execute(select(table.ordinal, table.chain, table.log_id))).all()
    return [(row.ordinal, row.chain, row.log_id) for row in found]


async def locked_head(transaction: Transaction, key: AuditKey, chain: str) -> Head | None:
    """Return a chain's head, locked until the transaction ends; None where there is none.

    Raises DatabaseError where it was altered.
    """
    query = select(audit_heads).where(audit_heads.c.chain == chain).with_for_update()
    row = (await transaction.execute(query)).mappings().one_or_none()
    return authentic(stored_head(row, key)) if row is not None else None


async def store(transaction: Transaction, key: AuditKey, head: Head, rows: Sequence[Row]) -> None:
    """Write a head, and the rows that were put before it."""
    if rows:
        await transaction.execute(insert(audit_records), rows)
    await transaction.execute(update(audit_heads).where(audit_heads.c.chain == head.chain).values(**head.stored(key)))


async def sign_log(transaction: Transaction, key: AuditKey, prune_row: Callable[[int], Row]) -> None:
    """Sign the root of a log that this very transaction made or carried over, and the head it carried over.

    A head that wasn't signed is of version 0.1. A log of that version that had been pruned gets an entry that says so,
    made by `prune_row` from the number of the last row deleted. A log that a later version has written to isn't signed
    without its signature: somebody took its tables back to those of version 0.1.
    """
    row = (await transaction.execute(select(audit_root))).mappings().one_or_none()
    if row is None or row["mac"]:
        return
    carried = (await read_heads(transaction, key)).get(SHARED)
    if carried is not None:
        await _sign_carried(transaction, key, carried[0], prune_row)
    root = Root(row["chains"], row["carried_number"])
    await transaction.execute(update(audit_root).values(**root.stored(key, await _places(transaction))))


async def _sign_carried(transaction: Transaction, key: AuditKey, head: Head, prune_row: Callable[[int], Row]) -> None:
    kept = select(audit_heads.c.mac).where(audit_heads.c.chain == SHARED)
    rows = []
    if (await transaction.execute(kept)).scalar_one() != head.single_mac(key):
        if await _was_signed(transaction, key):
            return
        if head.pruned_number:
            head, pruned = chained(key, head, prune_row(head.pruned_number))
            rows.append(pruned)
    await store(transaction, key, head, rows)


async def _was_signed(transaction: Transaction, key: AuditKey) -> bool:
    """Return whether there is a row that was written when heads were signed."""
    after, number = -1, audit_records.c.number
    while True:
        query = select(audit_records).where(audit_records.c.chain == SHARED, number > after).order_by(number)
        page = (await transaction.execute(query.limit(_PAGE))).mappings().all()
        if any(is_of_single_chain(key, row) for row in page):
            return True
        if len(page) < _PAGE:
            return False
        after = page[-1]["number"]
