"""Files in the simulated Slack, which are uploaded in three steps and become messages in a direct conversation.

https://docs.slack.dev/messaging/working-with-files#uploading_files
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.slack.channels import DIRECT
from bot.sandbox.slack.state import State

_LONGEST_SHOWN = 3000


@dataclass
class Upload:
    """A file that is being uploaded. `content` is None until the content arrives."""

    name: str
    length: int
    content: bytes | None = None


class Files:
    """The uploads, whose addresses are below `base_url`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._uploads: dict[str, Upload] = {}
        self.base_url = ""

    def add_to(self, server: web.Application) -> None:
        """Serve the addresses for uploads."""
        server.router.add_post("/upload/v1/{file_id}", self._take)

    def open_conversation(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/conversations.open"""
        user = str(arguments.get("users"))
        if user not in self._state.people:
            return {"ok": False, "error": "user_not_found"}
        return {"ok": True, "channel": {"id": _conversation(user)}}

    def begin(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""
        name, length = str(arguments.get("filename") or ""), str(arguments.get("length"))
        if not name or not length.isdigit() or not int(length):
            return {"ok": False, "error": "invalid_arguments"}
        file_id = f"F{self._state.number():08d}{secrets.token_hex(8).upper()}"
        self._uploads[file_id] = Upload(name, int(length))
        return {"ok": True, "file_id": file_id, "upload_url": f"{self.base_url}/upload/v1/{file_id}"}

    def complete(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/files.completeUploadExternal"""
        channel = arguments.get("channel_id")
        user = next((user for user in self._state.people if _conversation(user) == channel), None)
        if user is None:
            return {"ok": False, "error": "channel_not_found"}
        named = [str(file.get("id")) for file in json.loads(str(arguments.get("files")))]
        if any(file_id not in self._uploads or self._uploads[file_id].content is None for file_id in named):
            return {"ok": False, "error": "file_not_found"}
        for file_id in named:
            self._post(user, self._uploads.pop(file_id))
        return {"ok": True, "files": [{"id": file_id} for file_id in named]}

    async def _take(self, request: web.Request) -> web.Response:
        content = await request.read()
        self._state.record("bot", "upload", content.decode(errors="replace"), path=request.path)
        upload = self._uploads.get(request.match_info["file_id"])
        if upload is None or len(content) != upload.length:
            return web.Response(status=404, text="not found")
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")

    def _post(self, user: str, upload: Upload) -> None:
        """Post a message with the beginning of a file."""
        text = (upload.content or b"").decode(errors="replace")[:_LONGEST_SHOWN]
        shown = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
        name = {"type": "section", "text": {"type": "plain_text", "text": f"📄 {upload.name}", "emoji": True}}
        self._state.post(user, DIRECT, upload.name, [name, {"type": "rich_text", "elements": [shown]}])


def _conversation(user: str) -> str:
    return f"D{user[1:]}"
