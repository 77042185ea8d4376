"""The variables that Extauth is set up with, and the name of its slash command, which is one of them."""

import codecs
import os
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

COMMAND_NAME = re.compile(r"/[a-z0-9_-]{1,31}")
"""The form of a command's name. https://docs.slack.dev/interactivity/implementing-slash-commands"""


class UnreadableEnvFile(ValueError):
    """A `.env` file that can't be read. The message is one line that says why, without the file's content."""


def read_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment's variables, and those from `.env` in `folder` that the environment lacks.

    Raises UnreadableEnvFile.
    """
    file = folder / ".env"
    kept = read_env_file(file)[0] if file.exists() else {}
    return {**{name: value for name, value in kept.items() if value is not None}, **os.environ}


def read_env_file(file: Path) -> tuple[Mapping[str, str | None], str]:
    """Return the variables in a `.env` file, and its encoding. Raises UnreadableEnvFile."""
    try:
        content = file.read_bytes()
        # Windows PowerShell writes UTF-16 when a command's output is redirected to a file.
        is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if is_utf16 else "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"
        text = content.decode(encoding)
    except OSError as error:
        raise UnreadableEnvFile(f"{file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnreadableEnvFile(f"{file} isn't text in UTF-8. Save it again as UTF-8.")
    return dotenv_values(stream=StringIO(text)), encoding


def _command_name() -> str:
    try:
        name = read_environment(Path.cwd()).get("EXTAUTH_COMMAND", "").strip()
    except (UnreadableEnvFile, OSError):
        name = ""
    # `settings` reports an invalid name, which can't be done while modules are imported.
    return name if COMMAND_NAME.fullmatch(name) else "/extauth"


COMMAND = _command_name()
"""The slash command. It's the same for the life of a process, so sentences in every module can hold it as constants."""
