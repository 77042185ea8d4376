"""Several processes that serve over HTTP on one port, kept alive by gunicorn. https://docs.gunicorn.org/

Each is a whole bot: whatever runs once runs in one of them, as on several machines. gunicorn starts another in the
place of one that dies, again and again while that one can't start, and passes SIGTERM on. If one of the first can't
start, all of them stop.
"""

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from aiohttp.worker import GunicornUVLoopWebWorker, GunicornWebWorker
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from bot.clock import SystemClock
from bot.metrics import SHARED_FOLDER
from bot.server.errors import StartError
from bot.server.lifecycle import STOP_SECONDS, Receiver, prepare, serve
from bot.server.listening import Listening, listen
from bot.settings import Settings, ops_port

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
"""How long to wait before another process is started in the place of one that couldn't start."""
_SILENT_SECONDS = 30
"""How long a process may give no sign of life before it's killed and replaced."""
_STOP_SECONDS = round(STOP_SECONDS) + 6
"""How long the processes may live after SIGTERM: longer than one takes, and less than platforms give."""


def serve_in_processes(settings: Settings, on_ready: Callable[[Receiver], None]) -> None:
    """Serve over HTTP in as many processes as WEB_CONCURRENCY says, until a signal. Raises StartError.

    `on_ready` is called in each process when it's ready to serve.
    """
    http, port, parent = listen(settings.host, settings.port, "PORT"), ops_port(settings, "http"), os.getpid()
    ops = listen(settings.host, *port) if port is not None else None
    # Here a mistake is told in one line, and not by each of the processes.
    asyncio.run(prepare(settings, SystemClock()))
    made = tempfile.mkdtemp(prefix="extauth-metrics-") if settings.metrics_folder is None else None
    if made is not None:
        settings = settings.model_copy(update={"metrics_folder": Path(made)})
    try:
        _Server(settings, Listening(http, ops), on_ready).run()
    except (HaltServer, SystemExit) as ended:
        if os.getpid() != parent:
            raise  # one of the processes has come to its end
        # gunicorn raises the one or the other, by how many processes end at the same time.
        if not isinstance(ended, SystemExit) or ended.code:
            raise StartError("A process couldn't start: the log says why.") from None
    finally:
        if made is not None and os.getpid() == parent:
            shutil.rmtree(made, ignore_errors=True)


class _Server(BaseApplication):
    """gunicorn with its settings; it reads no file, and no command line."""

    def __init__(self, settings: Settings, listening: Listening, on_ready: Callable[[Receiver], None]) -> None:
        self.settings = settings
        self.listening = listening
        self.on_ready = on_ready
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        ports = [port for port in (self.listening.http, self.listening.ops) if port is not None]
        for name, value in {
            "bind": [f"fd://{os.dup(port.fileno())}" for port in ports],  # it closes those it was given
            "workers": self.settings.web_concurrency,
            "worker_class": Worker,
            "logger_class": _Log,
            "timeout": _SILENT_SECONDS,
            "graceful_timeout": _STOP_SECONDS,
            "proc_name": "extauth",
            "child_exit": lambda _, worker: self._forget(worker.pid),
        }.items():
            self.cfg.set(name, value)
        if "control_socket_disable" in self.cfg.settings:  # which older versions don't have
            self.cfg.set("control_socket_disable", True)

    def _forget(self, pid: int) -> None:
        """Take the gauges of a process that has gone out of what the others tell."""
        # Whoever loads it first must know the folder: it decides then how everybody counts.
        os.environ[SHARED_FOLDER] = str(self.settings.metrics_folder)
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(pid, str(self.settings.metrics_folder))  # type: ignore[no-untyped-call]

    def load(self) -> Any:
        """Return what a process serves, which is no WSGI application."""
        return self


class _Log(Logger):
    """gunicorn's words go to the bot's own log, where only its warnings matter."""

    def setup(self, cfg: Any) -> None:
        """Send them there."""
        self.error_log.handlers[:], self.error_log.propagate = [], True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.disabled = True


_Aiohttps: Any = GunicornUVLoopWebWorker if find_spec("uvloop") is not None else GunicornWebWorker


class Worker(_Aiohttps):  # type: ignore[misc]
    """One of the processes: aiohttp's worker, with the bot in place of an application."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once, instead of at the next sign of life."""
        super().handle_exit(sig, frame)
        self._notify_waiter_done()

    async def _run(self) -> None:
        stop, server, is_ready = asyncio.Event(), self.wsgi, False

        def on_ready(receiver: Receiver) -> None:
            nonlocal is_ready
            is_ready = self.booted = True
            server.on_ready(receiver)

        serving = asyncio.ensure_future(
            serve(server.settings, "http", SystemClock(), stop, on_ready, listening=server.listening)
        )
        while not serving.done():
            if self._is_to_end:
                stop.set()
            await self._live_on()
        try:
            serving.result()
        except StartError as error:
            log.error("can't start", extra={"why": str(error)})
            await self._end_without_start(Arbiter.APP_LOAD_ERROR)
        except Exception:
            if is_ready:
                raise
            log.exception("can't start")
            await self._end_without_start(Arbiter.WORKER_BOOT_ERROR)

    async def _end_without_start(self, exit_code: int) -> None:
        """End all, where this is one of the first: the operator has to fix something.

        Otherwise wait before gunicorn starts another one: what this one lacked may come back, and the others go on.
        """
        if self.age <= self.wsgi.settings.web_concurrency:
            self.exit_code = exit_code
            return
        again = asyncio.get_running_loop().time() + _RETRY_SECONDS
        while not self._is_to_end and asyncio.get_running_loop().time() < again:
            await self._live_on()

    @property
    def _is_to_end(self) -> bool:
        return not self.alive or self.ppid != os.getppid()

    async def _live_on(self) -> None:
        """Give gunicorn a sign of life, and wait until the next is due, or until a signal."""
        self.notify()
        await self._wait_next_notify()
