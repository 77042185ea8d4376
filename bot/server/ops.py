"""What operators ask the process: whether it lives, whether it's ready, and its numbers."""

from aiohttp import web

from bot.metrics import AUDIT_ALTERED, AUDIT_ENTRIES, AUDIT_VERIFIED, READY, Metrics
from bot.server.readiness import Readiness

HEALTH = "/health"
LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"
PATHS = frozenset({HEALTH, LIVE_PATH, READY_PATH, METRICS_PATH})
_PROXIED = ("Forwarded", "X-Forwarded-For", "Via")
_TEXT_FORMAT = "text/plain; version=0.0.4"
_MAX_CONNECTIONS = 100


class Ops:
    """Answers what anyone can ask who reaches the port: no answer holds a secret, or says who did what.

    What came through a proxy, and so perhaps from the internet, gets no numbers.
    """

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self.readiness = readiness
        self.metrics = metrics

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request for one of the paths."""
        if request.method != "GET":
            return web.Response(status=405, headers={"Allow": "GET"})
        if request.path == READY_PATH:
            return await self._ready()
        if request.path != METRICS_PATH:
            return web.json_response({"ok": True})
        if any(name in request.headers for name in _PROXIED):
            return web.Response(status=404)
        return await self._scrape()

    async def _ready(self) -> web.Response:
        problems = await self.readiness.problems()
        is_ready = not any(problems.values())
        checks = {name: problem or "ok" for name, problem in problems.items()}
        return web.json_response({"ok": is_ready, "checks": checks}, status=200 if is_ready else 503)

    async def _scrape(self) -> web.Response:
        for name, problem in (await self.readiness.problems()).items():
            self.metrics.set(READY, problem is None, name)
        if self.readiness.entries is not None:
            self.metrics.set(AUDIT_ENTRIES, self.readiness.entries)
        if self.readiness.verified is not None:
            self.metrics.set(AUDIT_VERIFIED, self.readiness.verified.at)
            self.metrics.set(AUDIT_ALTERED, not self.readiness.verified.is_intact)
        return web.Response(body=self.metrics.scrape().encode(), headers={"Content-Type": _TEXT_FORMAT})
