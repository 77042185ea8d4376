"""Sends a person a file."""

from http import HTTPStatus

from pydantic import SecretStr

from bot.slack.client import ClientFactory, UntrustedAddress, is_slack_address


async def send_file(clients: ClientFactory, bot_token: SecretStr, user_id: str, name: str, text: str) -> None:
    """Put a text file into a person's messages with the bot. Needs the scopes `im:write` and `files:write`.

    It makes the calls of slack_sdk's `files_upload_v2`, which would send the file to whatever address it is given.
    Raises SlackApiError, aiohttp.ClientError, UntrustedAddress, and what an answer of another form leads to.
    https://docs.slack.dev/messaging/working-with-files#uploading_files
    """
    client, content = clients.web(bot_token), text.encode()
    opened = await client.conversations_open(users=user_id)
    begun = await client.files_getUploadURLExternal(filename=name, length=len(content))
    address = str(begun["upload_url"])
    if not is_slack_address(address, clients.base_url):
        raise UntrustedAddress("An upload's address isn't Slack's.")
    async with clients.session.post(address, data=content, proxy=clients.proxy, allow_redirects=False) as answer:
        answer.raise_for_status()
        if answer.status != HTTPStatus.OK:
            raise UntrustedAddress("An upload was sent on to another address.")
    files: list[dict[str, str | None]] = [{"id": str(begun["file_id"]), "title": name}]
    await client.files_completeUploadExternal(files=files, channel_id=str(opened["channel"]["id"]))
