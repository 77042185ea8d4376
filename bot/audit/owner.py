"""Which process an unfinished interaction belongs to, and whether that process is known to be gone."""

import functools
import hashlib
import os
import secrets
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. Another one can have its machine and number, before or after it, but not its nonce."""

    machine: str
    pid: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.machine}/{self.pid}/{self.nonce}"

    def knows_gone(self, other: str) -> bool:
        """Return whether another process has surely ended. Of one that isn't on this machine nobody knows."""
        machine, _, rest = other.partition("/")
        pid, _, nonce = rest.partition("/")
        if machine != self.machine or not (pid.isascii() and pid.isdigit()) or nonce == self.nonce:
            return False
        return int(pid) == self.pid or not _is_running(int(pid))


def this_process() -> Owner:
    """Return what names this process."""
    return of_process(os.getpid())


@functools.cache
def of_process(pid: int) -> Owner:
    """Return what names a process, which can only be this one: a fork inherits what is kept here."""
    return Owner(_machine(), pid, secrets.token_hex(8))


def _machine() -> str:
    """Name where a process number means the same process: containers can share a host name, and count on their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        where = [boot, os.readlink("/proc/self/ns/pid")]
    except OSError:
        # Not Linux, so there is one count of processes, and it is the machine's.
        where = [socket.gethostname(), str(uuid.getnode())]
    return hashlib.sha256("/".join(where).encode()).hexdigest()[:32]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
