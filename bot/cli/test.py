"""`extauth test --all`, which tests all connected accounts, from a terminal or a platform's scheduler."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack

import click

from bot import logs
from bot.actor import Unattended
from bot.app import create_workspaces, open_storage
from bot.batch import Batch, Item
from bot.cli.shared import fail, load_settings, run, stop_signal
from bot.cli.terminal import Command, aligned, progress
from bot.clock import SystemClock
from bot.explanations import explain, explain_no_accounts
from bot.jobs.survey import Survey, Surveyor
from bot.logs import on_one_line
from bot.operation import Operation
from bot.settings import Settings, read
from bot.slack.client import open_session
from bot.slack.external_auth.accounts import state_of
from bot.storage.engine import DatabaseError
from bot.tasks import Tasks
from bot.views.surveys import survey_text
from bot.workspaces.runtime import Runtime

SOME_BROKEN, NOT_TESTED = 1, 2
_POST_SECONDS = 10.0
_HEADINGS = ("TOKEN ID", "PROVIDER", "STATE", "CODE")


@click.command(cls=Command, examples=["--all", "--all --json", "--all --workspace T012ABCDEF"])
@click.option("--all", "tests_all", is_flag=True, required=True, help="Test every account that Slack lists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
@click.option("--workspace", help="The ID of the one to test, where many workspaces install the app.")
def test(tests_all: bool, as_json: bool, workspace: str | None) -> None:
    """Test whether connected accounts still work, without showing a token.

    Prints those that don't, and posts what changed since the last test to EXTAUTH_AUDIT_CHANNEL if that's set. It takes
    its time, so that people in Slack don't have to wait: about 25 accounts a minute. Ctrl-C stops it.

    Exit status: 0 if all accounts work, 1 if some don't, 2 if any couldn't be tested.
    """
    settings = load_settings(read)
    logs.silence()
    run(_work(settings, workspace, as_json=as_json))


async def _work(settings: Settings, wanted: str | None, *, as_json: bool) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        try:
            storage = await stack.enter_async_context(open_storage(settings, clock))
            session = await stack.enter_async_context(open_session(ca_file=settings.ca_file))
            _, workspaces = create_workspaces(settings, session, storage, clock, Tasks())
            if settings.serves_many and wanted is None:
                fail("Many workspaces install the app: name one with --workspace.", status=NOT_TESTED)
            runtimes = await workspaces.all()
        except DatabaseError as error:
            fail(f"The database of DATABASE_URL can't be used: {error}", status=NOT_TESTED)
        meant = [one for one in runtimes if one.installed_in is None or one.installed_in.id == wanted]
        if not meant:
            fail("The app isn't installed in this workspace.", status=NOT_TESTED)
        runtime = meant[0]
        found = await _survey(runtime)
        if runtime.audit_channel is not None and found.is_news:
            runtime.audit_channel.say(survey_text(found, runtime.contact))
            await runtime.audit_channel.close(_POST_SECONDS)
    _print_json(found) if as_json else _print(found)
    if found.items(broken=True):
        sys.exit(SOME_BROKEN)
    sys.exit(0 if found.is_whole else NOT_TESTED)


async def _survey(runtime: Runtime) -> Survey:
    workspace = await runtime.workspace()
    if workspace is None:
        why = "Slack didn't say which workspace SLACK_BOT_TOKEN is of. `extauth check` says more."
        fail(why, status=NOT_TESTED)
    stop = stop_signal()

    async def close_when_stopped() -> None:
        await stop.wait()
        runtime.shared.limiter.close()

    stopping = asyncio.ensure_future(close_when_stopped())
    surveyor = Surveyor(
        runtime.service, runtime.shared.batches, runtime.shared.account_states, runtime.shared.clock, stop.is_set
    )
    with ExitStack() as stack:
        tell: Callable[[int], None] | None = None

        async def got_on(batch: Batch) -> None:
            nonlocal tell
            if tell is None:
                # The bar starts here because the number of accounts isn't known before.
                tell = stack.enter_context(progress("Testing accounts", len(batch.items), "accounts"))
            tell(len(batch.results))

        found = await surveyor.survey(Unattended.TERMINAL, workspace, runtime.bot_token, got_on)
    stopping.cancel()
    return found


def _print(found: Survey) -> None:
    if found.refusal is not None:
        explanation = explain(found.refusal, Operation.LIST)
        click.echo(f"The accounts couldn't be listed: {explanation.title} ({on_one_line(found.refusal)}).", err=True)
        return
    batch = found.outcome.batch if found.outcome is not None else None
    bad = [*found.items(broken=True), *found.items(broken=False)]
    if bad:
        rows = [_HEADINGS]
        for item, code in bad:
            state = state_of(code).value if code is not None else "not tested"
            rows.append((item.token_id, on_one_line(item.provider_key or "-"), state, code or "-"))
        for cells in aligned(rows):
            click.echo("  ".join(cells).rstrip())
        click.echo()
        for code in dict.fromkeys(code for _, code in bad if code is not None):
            explanation = explain(code, Operation.TEST)
            click.echo(f"{code}: {explanation.title}. {on_one_line(explanation.to_do)}")
    total = len(batch.items) if batch is not None else 0
    works = total - len(bad)
    none = f"{explain_no_accounts(is_complete=found.is_list_complete)}."
    click.echo(f"{works:,} of {total:,} accounts work." if total else none)


def _print_json(found: Survey) -> None:
    def described(items: list[tuple[Item, str | None]]) -> list[dict[str, str | None]]:
        return [
            {
                "external_token_id": item.token_id,
                "provider_key": item.provider_key,
                "state": state_of(code).value if code is not None else None,
                "code": code,
            }
            for item, code in items
        ]

    total = len(found.outcome.batch.items) if found.outcome is not None else 0
    broken, untested = list(found.items(broken=True)), list(found.items(broken=False))
    changes = [
        {"external_token_id": one.item.token_id, "change": one.change.value, "state": one.state.value, "code": one.code}
        for one in found.changes
    ]
    told = {
        "accounts": total,
        "work": total - len(broken) - len(untested),
        "broken": described(broken),
        "not_tested": described(untested),
        "changed": changes,
        "list_error": found.refusal,
        "reference": found.reference,
    }
    click.echo(json.dumps(told, indent=2))
