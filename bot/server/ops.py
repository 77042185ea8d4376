"""Operators' endpoints: liveness, readiness, and metrics."""

from aiohttp import web

from bot.metrics import AUDIT_ALTERED, AUDIT_ENTRIES, AUDIT_VERIFIED, READY, Metrics
from bot.server.readiness import Readiness

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
_PROXIED = ("Forwarded", "X-Forwarded-For", "Via")
_TEXT_FORMAT = "text/plain; version=0.0.4"


class Ops:
    """Endpoints for anyone who can reach the port. No response holds a secret or reveals who did what.

    Requests through a proxy get no metrics, because they may come from the internet.
    """

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self.readiness = readiness
        self._metrics = metrics
        answers = {"/health": self._live, LIVE_PATH: self._live, READY_PATH: self._ready, "/metrics": self._scrape}
        self.routes = [web.get(path, answer) for path, answer in answers.items()]

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, _: web.Request) -> web.Response:
        problems = await self.readiness.problems()
        is_ready = not any(problems.values())
        checks = {name: problem or "ok" for name, problem in problems.items()}
        return web.json_response({"ok": is_ready, "checks": checks}, status=200 if is_ready else 503)

    async def _scrape(self, request: web.Request) -> web.Response:
        if any(name in request.headers for name in _PROXIED):
            return web.Response(status=404)
        for name, problem in (await self.readiness.problems()).items():
            self._metrics[READY].labels(name).set(problem is None)
        if self.readiness.entries is not None:
            self._metrics[AUDIT_ENTRIES].set(self.readiness.entries)
        if self.readiness.verified is not None:
            self._metrics[AUDIT_VERIFIED].set(self.readiness.verified.at)
            self._metrics[AUDIT_ALTERED].set(not self.readiness.verified.is_intact)
        return web.Response(body=self._metrics.scrape().encode(), headers={"Content-Type": _TEXT_FORMAT})
