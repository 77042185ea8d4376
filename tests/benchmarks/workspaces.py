"""Many workspaces that write to the audit log at once, from several processes.

As a command, `python -m tests.benchmarks.workspaces URL CHAINS`, it's one of the processes: it says when it's ready,
writes when it's told to, and says when it's done.
"""

import asyncio
import subprocess
import sys
import time

from pydantic import SecretStr

from bot.actor import Actor
from bot.audit.entries import AuditResult
from bot.audit.log import AuditLog
from bot.clock import SystemClock
from bot.slack.external_auth.models import GetToken
from tests.audit_log import configured, open_audit_log
from tests.bot_process import ROOT

PROCESSES, WORKSPACES, ENTRIES = 4, 200, 10
"""Each process writes so many entries, one after another, in each workspace, and in all workspaces at once."""


async def entries_a_second(url: str, chains: int) -> float:
    """Let the processes write, the workspaces' entries in so many chains, and return how many entries a second."""
    command = [sys.executable, "-m", "tests.benchmarks.workspaces", url, str(chains)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT}
    running = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(PROCESSES)]  # type: ignore[arg-type]
    await asyncio.gather(*(_say(process, "ready") for process in running))
    started = time.perf_counter()
    for process in running:
        if process.stdin is not None:
            process.stdin.write(b"go\n")
    await asyncio.gather(*(_say(process, "done") for process in running))
    seconds = time.perf_counter() - started
    await asyncio.gather(*(process.communicate() for process in running))
    return PROCESSES * WORKSPACES * ENTRIES / seconds


async def _say(process: asyncio.subprocess.Process, word: str) -> None:
    if process.stdout is None or (await process.stdout.readline()).decode().strip() != word:
        raise RuntimeError(f"A process isn't {word}.")


async def _write(audit: AuditLog, workspace: str) -> None:
    actor, request = Actor("U1", workspace, None, SecretStr(""), "ABCD2345"), GetToken("Et1")
    for _ in range(ENTRIES):
        attempt = await audit.attempt(actor, request)
        await audit.finish(attempt, AuditResult("fetched", None, 50))


async def _process(url: str, chains: int) -> None:
    settings = configured(url)
    async with open_audit_log(settings, SystemClock()) as audit:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(_write(audit, f"T{number % chains}") for number in range(WORKSPACES)))
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_process(sys.argv[1], int(sys.argv[2])))
