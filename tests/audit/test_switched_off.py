"""Nothing that is done to the database keeps acts out of the log: what isn't kept isn't done, and changes are named."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.audit.entries import AuditResult, Filters
from bot.audit.log import DuplicateInteraction
from bot.check.database import check_database
from bot.check.finding import Status
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_heads, audit_records
from tests.audit_log import GET, actor, came, change, configured, open_audit_log, read_rows, write
from tests.databases import DATABASES, started_database
from tests.manual_clock import ManualClock

_NOTHING = "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
_GONE = (
    "CREATE OR REPLACE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN DELETE FROM audit_records WHERE hash = NEW.hash; RETURN NULL; END $$"
)
UNRECORDED: Mapping[str, Sequence[tuple[Sequence[str], str]]] = {
    "sqlite": [
        (
            [
                "CREATE TRIGGER quiet BEFORE INSERT ON audit_records BEGIN SELECT RAISE(IGNORE); END",
                "CREATE TRIGGER still BEFORE UPDATE ON audit_heads BEGIN SELECT RAISE(IGNORE); END",
            ],
            "the trigger quiet of audit_records isn't Extauth's; the trigger still of audit_heads isn't Extauth's",
        ),
        (
            [
                "CREATE TRIGGER gone AFTER INSERT ON audit_records BEGIN "
                "DELETE FROM audit_records WHERE hash = NEW.hash; END"
            ],
            "the trigger gone of audit_records isn't Extauth's",
        ),
        (
            [
                "CREATE TRIGGER other AFTER INSERT ON audit_records BEGIN "
                "UPDATE audit_records SET user_id = 'U9' WHERE hash = NEW.hash; END"
            ],
            "the trigger other of audit_records isn't Extauth's",
        ),
        (
            [
                "ALTER TABLE audit_records RENAME TO real",
                "CREATE VIEW audit_records AS SELECT * FROM real",
                "CREATE TRIGGER absorb INSTEAD OF INSERT ON audit_records BEGIN SELECT 1; END",
            ],
            "the table audit_records is missing",
        ),
    ],
    "postgresql": [
        (
            [
                _NOTHING,
                "CREATE TRIGGER quiet BEFORE INSERT ON audit_records FOR EACH ROW EXECUTE FUNCTION nothing()",
                "CREATE TRIGGER still BEFORE UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION nothing()",
            ],
            "the trigger quiet of audit_records isn't Extauth's; the trigger still of audit_heads isn't Extauth's",
        ),
        (
            [_GONE, "CREATE TRIGGER gone AFTER INSERT ON audit_records FOR EACH ROW EXECUTE FUNCTION gone()"],
            "the trigger gone of audit_records isn't Extauth's",
        ),
        (
            [
                _GONE,
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_records DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION gone()",
            ],
            "the trigger late of audit_records isn't Extauth's",
        ),
        (
            ["CREATE RULE quiet AS ON INSERT TO audit_records DO INSTEAD NOTHING"],
            "the rule quiet of audit_records isn't Extauth's",
        ),
        (
            ["CREATE RULE still AS ON UPDATE TO audit_heads DO INSTEAD NOTHING"],
            "the rule still of audit_heads isn't Extauth's",
        ),
        (
            [
                "ALTER TABLE audit_records RENAME TO real",
                "CREATE VIEW audit_records AS SELECT * FROM real WHERE chain = 'T9'",
            ],
            "the table audit_records was changed",
        ),
        (
            [
                "ALTER TABLE audit_records RENAME TO real",
                "CREATE TABLE audit_records (LIKE real) PARTITION BY LIST (chain)",
                "CREATE TABLE rest PARTITION OF audit_records DEFAULT",
                _NOTHING,
                "CREATE TRIGGER quiet BEFORE INSERT ON rest FOR EACH ROW EXECUTE FUNCTION nothing()",
            ],
            "the partition rest of audit_records isn't Extauth's",
        ),
    ],
}
"""Statements that would keep acts out of the log, each with the text that names it afterwards."""
UNSAFE: Mapping[str, Sequence[tuple[Sequence[str], str]]] = {
    "sqlite": [
        (
            ["DROP INDEX ix_audit_records_interaction"],
            "the index ix_audit_records_interaction of audit_records is missing",
        ),
        (["ALTER TABLE audit_records ADD COLUMN more"], "the table audit_records was changed"),
        (
            ["CREATE TRIGGER back AFTER UPDATE ON SCHEDULES BEGIN DELETE FROM audit_heads; END"],
            "the trigger back of SCHEDULES isn't Extauth's",
        ),
        (
            [
                "PRAGMA writable_schema = ON",
                "INSERT INTO sqlite_master VALUES ('trigger' || char(0) || 'x', 'evil', 'schedules' || char(0) || 'x', "
                "0, 'CREATE TRIGGER evil AFTER UPDATE ON schedules BEGIN SELECT 1; END')",
            ],
            "trigger\0x evil of schedules\0x isn't Extauth's",
        ),
        (["CREATE INDEX slow ON audit_records (abs(number))"], "the index slow of audit_records isn't Extauth's"),
        (["DELETE FROM installation_keys WHERE name = 'schema'"], "the note of what the tables were is missing"),
        (
            ["UPDATE installation_keys SET value = replace(value, 'audit_heads', 'heads') WHERE name = 'schema'"],
            "the note of what the tables were is missing or altered",
        ),
    ],
    "postgresql": [
        (
            ["DROP INDEX ix_audit_records_interaction"],
            "the index ix_audit_records_interaction of audit_records is missing",
        ),
        (
            ["ALTER TABLE audit_records ALTER COLUMN milliseconds TYPE bigint"],
            "the column milliseconds of audit_records was changed",
        ),
        (
            [
                'CREATE DOMAIN "character varying(16)" AS varchar(16) CHECK (length(VALUE) < 17)',
                'ALTER TABLE audit_records ALTER COLUMN kind TYPE "character varying(16)"',
            ],
            "the column kind of audit_records was changed",
        ),
        (["ALTER TABLE audit_records ADD COLUMN more text"], "the column more of audit_records isn't Extauth's"),
        (["ALTER TABLE audit_records SET UNLOGGED"], "the table audit_records was changed"),
        (
            [
                "ALTER TABLE audit_records ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY hidden ON audit_records USING (chain <> 'T1')",
            ],
            "the policy hidden of audit_records isn't Extauth's",
        ),
        (["CREATE TABLE more () INHERITS (audit_records)"], "the partition more of audit_records isn't Extauth's"),
        (["DELETE FROM installation_keys WHERE name = 'schema'"], "the note of what the tables were is missing"),
    ],
}
"""What a running process can live with, and no start, check, or verification passes over."""
CHANGES = [(kind, *one) for kind in DATABASES for one in (*UNRECORDED[kind], *UNSAFE[kind])]
QUIET = [(kind, *one) for kind in DATABASES for one in UNRECORDED[kind]]


@pytest.mark.parametrize(("kind", "statements", "named"), QUIET)
async def test_nothing_is_done_that_the_database_does_not_keep(
    kind: str, statements: Sequence[str], named: str, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with started_database(kind, tmp_path) as url, open_audit_log(configured(url), clock) as audit:
        await write(audit)
        begun = await audit.attempt(actor(), GET)
        await change(url, *statements)
        for _ in range(2):
            with pytest.raises(DatabaseError):
                await audit.attempt(actor(), GET)
        with pytest.raises(DatabaseError):
            await audit.attempt(replace(actor("U5"), team_id="T5"), GET)
        with pytest.raises(DatabaseError):
            await audit.finish(begun, AuditResult("fetched", None, 1))
        with suppress(DatabaseError):
            assert await audit.prune(clock.now() + 1) == 0
        clock.advance(1000)
        assert await audit.interrupt(1) == []


@pytest.mark.parametrize(("kind", "statements", "named"), CHANGES)
async def test_what_was_changed_in_the_database_is_named(
    kind: str, statements: Sequence[str], named: str, tmp_path: Path
) -> None:
    async with started_database(kind, tmp_path) as url:
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await write(audit)
            await change(url, *statements)
            problem = (await audit.verify(lambda _: None)).problem
            assert problem is not None
            assert named in problem
        with pytest.raises(DatabaseError) as refused:
            async with open_audit_log(configured(url), ManualClock()):
                pass
        assert named.split("; ", maxsplit=1)[0] in str(refused.value)
        (finding, *_) = await check_database(configured(url))
        assert finding.status is Status.PROBLEM
        assert named in finding.says


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_running_process_does_not_go_on_over_what_was_cut_off(kind: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        started_database(kind, tmp_path) as url,
        open_audit_log(configured(url), clock) as audit,
        open_audit_log(configured(url), clock) as other,
    ):
        await write(audit, 1)
        old = [dict(row) for row in await read_rows(url, select(audit_heads))]
        await write(audit, 1)
        (head,) = (row for row in old if row["chain"] == "T1")
        back = ", ".join(f"{name} = '{value}'" for name, value in head.items() if name != "chain")
        await change(
            url,
            f"UPDATE audit_heads SET {back} WHERE chain = 'T1'",
            f"DELETE FROM audit_records WHERE chain = 'T1' AND number > {head['number']}",
        )
        with pytest.raises(DatabaseError, match="newer entries of the audit log are gone"):
            await audit.attempt(actor(), GET)
        # Another process, which can't know, writes over it: then the row that was written is another one.
        clock.advance(1)
        await write(other, 3)
        with pytest.raises(DatabaseError, match="newer entries of the audit log are gone"):
            await audit.attempt(actor(), GET)
        assert len(await read_rows(url, select(audit_records).where(audit_records.c.chain == "T1"))) == 8


@pytest.mark.parametrize("kind", DATABASES)
async def test_processes_that_take_turns_go_on_over_each_others_rows(kind: str, tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        started_database(kind, tmp_path) as url,
        open_audit_log(configured(url), clock) as one,
        open_audit_log(configured(url), clock) as other,
    ):
        for _ in range(2):
            await write(one, 1)
            await write(other, 2)
        clock.advance(100)
        assert await other.prune(clock.now() - 50) == 6
        await write(one, 1)
        assert (await one.verify(lambda _: None)).problem is None


async def test_names_are_never_looked_up_in_another_schema(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url:
        name = url.rsplit("/", 1)[1]
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await write(audit)
        await change(
            url,
            "CREATE SCHEMA evil",
            "CREATE TABLE evil.audit_records (LIKE public.audit_records)",
            "CREATE TABLE evil.audit_heads (LIKE public.audit_heads)",
            "CREATE FUNCTION evil.to_regclass(text) RETURNS regclass LANGUAGE sql AS 'SELECT NULL::regclass'",
            f"ALTER DATABASE {name} SET search_path = evil, pg_catalog, public",
            f"ALTER DATABASE {name} SET synchronous_commit = off",
            "CREATE FUNCTION public.never(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
            "CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.never)",
        )
        async with open_audit_log(configured(url), ManualClock()) as audit:
            assert len(await audit.newest(9, Filters(team_id="T1"))) == 3
            await audit.attempt(came("U7"), GET)
            with pytest.raises(DuplicateInteraction):
                await audit.attempt(came("U7"), GET)
            assert (await audit.verify(lambda _: None)).problem is None
        assert len(await read_rows(url, select(audit_records).where(audit_records.c.chain == "T1"))) == 7


POISONS = [
    "PERFORM set_config('search_path', 'evil, pg_catalog, public', false)",
    "PERFORM set_config('default_transaction_read_only', 'on', false)",
    "PERFORM set_config('statement_timeout', '1', false)",
    "PERFORM set_config('client_encoding', 'SJIS', false)",
    "PERFORM set_config('synchronous_commit', 'off', false)",
    "EXECUTE 'SET ROLE pg_monitor'",
    "EXECUTE 'DEALLOCATE ALL'",
    """
    FOR known IN SELECT name, statement FROM pg_prepared_statements WHERE statement ~ '^(SELECT|INSERT|UPDATE)' LOOP
        EXECUTE format('DEALLOCATE %I', known.name);
        EXECUTE format('PREPARE %I AS %s', known.name, replace(known.statement, 'public.', 'evil.'));
    END LOOP
    """,
    "EXECUTE 'CREATE TEMP TABLE pg_class (LIKE pg_catalog.pg_class)'",
]
"""What a trigger can leave behind in the session of the process that it ran in."""


@pytest.mark.parametrize("poison", POISONS)
async def test_what_a_trigger_did_to_the_session_ends_with_its_transaction(poison: str, tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        await write(audit, 8)
        await change(
            url,
            "CREATE SCHEMA evil",
            "CREATE TABLE evil.audit_records (LIKE public.audit_records)",
            "CREATE TABLE evil.audit_heads (LIKE public.audit_heads)",
            "INSERT INTO evil.audit_records SELECT * FROM public.audit_records",
            "INSERT INTO evil.audit_heads SELECT * FROM public.audit_heads",
            "CREATE FUNCTION evil.never(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
            "CREATE OPERATOR evil.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = evil.never)",
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ DECLARE known record; BEGIN {poison}; RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_records DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION poison()",
        )
        # Neither need be recorded: then nothing is done. A session that can't be used is given up.
        with suppress(DatabaseError):
            await audit.attempt(came("U6"), GET)
        await change(url, "DROP TRIGGER late ON audit_records")
        with suppress(DatabaseError):
            await audit.attempt(came("U7"), GET)
        before = len(await read_rows(url, select(audit_records).where(audit_records.c.chain == "T1")))
        await audit.attempt(came("U8"), GET)
        with pytest.raises(DuplicateInteraction):
            await audit.attempt(came("U8"), GET)
        await write(audit, 8)
        assert len(await read_rows(url, select(audit_records).where(audit_records.c.chain == "T1"))) == before + 17
        assert (await audit.verify(lambda _: None)).problem is None


async def test_an_index_that_was_emptied_is_found(tmp_path: Path) -> None:
    async with started_database("sqlite", tmp_path) as url, open_audit_log(configured(url), ManualClock()) as audit:
        await audit.attempt(came("U1"), GET)
        with closing(sqlite3.connect(tmp_path / "audit.db")) as other, other:
            (index,) = other.execute(
                "SELECT sql FROM sqlite_master WHERE name = 'ix_audit_records_interaction'"
            ).fetchone()
            change_it = "UPDATE sqlite_master SET sql = ? WHERE name = 'ix_audit_records_interaction'"
            (version,) = other.execute("PRAGMA schema_version").fetchone()
            for number, sql in enumerate([f"{index} AND 0", index], 1):
                other.execute("PRAGMA writable_schema = ON")
                other.execute(change_it, [sql])
                other.commit()
                other.execute(f"PRAGMA schema_version = {version + number}")
                other.execute("PRAGMA writable_schema = RESET")
                if number == 1:
                    other.execute("REINDEX ix_audit_records_interaction")
                    other.commit()
        problem = (await audit.verify(lambda _: None)).problem
        assert problem is not None
        assert "damaged or was tampered with" in problem


async def test_no_function_of_somebody_elses_is_called_on_connecting(tmp_path: Path) -> None:
    async with started_database("postgresql", tmp_path) as url:
        name = url.rsplit("/", 1)[1]
        await change(
            url,
            "CREATE SCHEMA evil",
            "CREATE TABLE evil.hits (at text)",
            "CREATE FUNCTION evil.current_schema() RETURNS name LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO evil.hits VALUES ('now'); RETURN 'public'; END $$",
            f'ALTER DATABASE "{name}" SET search_path = evil, public, pg_catalog',
        )
        async with open_audit_log(configured(url), ManualClock()) as audit:
            await write(audit, 1)
        assert await read_rows(url, text("SELECT at FROM evil.hits")) == []
