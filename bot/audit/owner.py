"""Which process an unfinished interaction belongs to, and whether that process is known to be gone."""

import os
import secrets
import socket
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Owner:
    """This process. Another one can have its host and number, before or after it, but not its nonce."""

    host: str = field(default_factory=lambda: socket.gethostname()[:64].replace("/", "-"))
    pid: int = field(default_factory=os.getpid)
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.nonce}"

    def knows_gone(self, other: str) -> bool:
        """Return whether another process has surely ended. Of one on another machine nobody knows."""
        host, _, rest = other.partition("/")
        pid, _, nonce = rest.partition("/")
        if host != self.host or not pid.isdigit() or nonce == self.nonce:
            return False
        return int(pid) == self.pid or not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
