"""What is measured: each scenario runs one contender once, in a new process, and returns its figures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp

from tests.benchmarks.fake_slack import PEOPLE
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Load
from tests.benchmarks.process import CONTENDERS, POSTGRESQL, SQLITE, Contender, Trial, running
from tests.benchmarks.relay import far_away

SLACK_SECONDS = 0.04
"""How long Slack takes to give a token, where that isn't nothing."""
WORKSPACES = (100, 200, 300, 400, 600)
"""The steps of `capacity`."""
STEP_SECONDS = 20
GETS_A_SECOND = 50 / 60
"""What Slack allows each workspace. https://docs.slack.dev/apis/web-api/rate-limits"""
LONGEST_MS = 1000.0
_BURST = 1000
_GROWTH_FROM, _GROWTH_TO, _GROWTH_AT_ONCE = 10_000, 100_000, 50
_INSTALLED_BY_MANY = {
    "SLACK_BOT_TOKEN": "",
    "SLACK_CLIENT_ID": "1111111111.2222222222",
    "SLACK_CLIENT_SECRET": "0123456789abcdef" * 2,
    "EXTAUTH_PUBLIC_URL": "https://extauth.example.com",
}

Figures = Mapping[str, float]


async def far(trial: Trial) -> Figures:
    """One command at a time, each typed when the one before is answered. Slack is 25 ms away, there and back, over
    TLS, and takes 40 ms to give a token."""
    trial.slack.delay = SLACK_SECONDS
    async with (
        far_away(trial.slack, trial.folder) as certificate,
        running(trial, "http", SSL_CERT_FILE=str(certificate)) as process,
    ):
        load = Load(trial.slack, process.port)
        await load.over_http(PEOPLE, 1)
        load.clear()
        await load.over_http(60, 1)
        return {"answer_p50": percentile(load.to_answered(), 50), "answer_p99": percentile(load.to_answered(), 99)}


async def burst(trial: Trial) -> Figures:
    """1,000 commands are due at the same moment, over Socket Mode. Slack takes 40 ms to give a token."""
    trial.slack.delay = SLACK_SECONDS
    async with running(trial, "socket") as process:
        load = Load(trial.slack, process.port)
        await load.over_socket_mode(50)
        load.clear()
        await load.over_socket_mode(_BURST)
        return {"ack_all": max(load.to_acknowledged()), "answer_all": max(load.to_answered())}


async def capacity(trial: Trial) -> Figures:
    """Many workspaces installed the app. In each, ten people take turns, 50 commands a minute in all, which is what
    Slack allows; commands come when they are due, however the ones before are. As many workspaces are served as 99% of
    the commands are answered within a second."""
    trial.slack.delay = SLACK_SECONDS
    teams: list[str] = []
    served = {"workspaces": 0.0}
    async with running(trial, "http", **_INSTALLED_BY_MANY) as process:
        load = Load(trial.slack, process.port)
        for count in WORKSPACES:
            new = [f"T0BENCH{number}" for number in range(len(teams), count)]
            await install(process.port, new)
            teams += new
            rate = count * GETS_A_SECOND
            # In every workspace, somebody has typed a command before.
            await load.at_rate(len(new), rate, new)
            load.clear()
            await load.at_rate(int(rate * STEP_SECONDS), rate, teams)
            slowest = percentile(load.to_answered(), 99)
            if slowest >= LONGEST_MS:
                break
            served = {"workspaces": float(count), "answer_p99": slowest}
    return served


async def install(port: int, teams: Sequence[str]) -> None:
    """Install the app in workspaces, as a browser does."""
    # The cookie is for https, so it's sent by hand.
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.DummyCookieJar()) as browser:
        for team in teams:
            async with browser.get("/slack/install/start", allow_redirects=False) as begun:
                (state,) = parse_qs(urlsplit(begun.headers["Location"]).query)["state"]
                cookie = begun.headers["Set-Cookie"].partition(";")[0]
            query, headers = {"code": team, "state": state}, {"Cookie": cookie}
            async with browser.get("/slack/oauth_redirect", params=query, headers=headers) as ended:
                if ended.status != 200:
                    raise RuntimeError(f"The app can't be installed:\n{await ended.text()}")


async def start(trial: Trial) -> Figures:
    """From the start of the process to the answer to its first command over HTTP, and its memory then. The database
    was there before."""
    # As at nearly every start, its modules are compiled then, and its tables are there.
    async with running(trial, "http"):
        await asyncio.sleep(0)
    async with running(trial, "http") as process:
        load = Load(trial.slack, process.port)
        await load.over_http(1, 1)
        return {"first_answer": (load.answered[0] - process.started) * 1000, "memory": process.megabytes()}


async def growth(trial: Trial) -> Figures:
    """How much resident memory grows from the 10,000th command of a process to its 100,000th, over HTTP."""
    async with running(trial, "http") as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        before = process.megabytes()
        for _ in range(_GROWTH_FROM, _GROWTH_TO, _GROWTH_FROM):
            load.clear()
            await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        return {"growth": process.megabytes() - before}


@dataclass(frozen=True)
class Scenario:
    """What is run, and what it's called in docs/benchmarks.md. The function's docstring describes it there."""

    title: str
    run: Callable[[Trial], Awaitable[Figures]]
    contenders: Sequence[Contender] = CONTENDERS
    is_repeated: bool = True
    """Whether it's run in every round, or only in the first."""


SCENARIOS: Mapping[str, Scenario] = {
    "far": Scenario("Over TLS, 25 ms from Slack", far),
    "burst": Scenario("A burst", burst),
    "capacity": Scenario("Many workspaces", capacity, (SQLITE, POSTGRESQL), is_repeated=False),
    "start": Scenario("Start and memory", start),
    "growth": Scenario("Memory after many commands", growth, (SQLITE,), is_repeated=False),
}
