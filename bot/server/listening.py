"""The ports that the bot listens on."""

import os
import socket
from dataclasses import dataclass

from bot.server.errors import StartError


@dataclass(frozen=True, slots=True)
class Listening:
    """Ports that are open already, which several processes share: for Slack's requests, and for health and metrics."""

    http: socket.socket | None = None
    ops: socket.socket | None = None


def listen(host: str, port: int, variable: str) -> socket.socket:
    """Open a port. Raises StartError, which names the setting that it's from, when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StartError(f"Can't listen on {host}:{port} ({why}). Set {variable} to another one.") from None
