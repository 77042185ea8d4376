"""The modal that asks which tokens to delete. Its submission leads to the confirmation."""

from slack_sdk.models.blocks import Block, ContextBlock, PlainTextObject
from slack_sdk.models.views import View

from bot.modals.fields import FieldErrors, Values, id_field, read_text
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter, check_id

CALLBACK_ID = "extauth_delete"
TOKEN_ID = "external_token_id"
PROVIDER_KEY = "provider_key"
APP_ID = "app_id"


def fields(token_id: str | None = None, provider_key: str | None = None, app_id: str | None = None) -> list[Block]:
    """Return the fields, with what is already known."""
    return [
        ContextBlock(
            elements=[
                PlainTextObject(
                    text="Enter a token ID to delete one token, or a provider key, an app ID, or both to delete all of "
                    "theirs. You'll confirm before anything is deleted."
                )
            ]
        ),
        id_field(TOKEN_ID, "Token ID", "Deletes only this token.", value=token_id, optional=True),
        id_field(
            PROVIDER_KEY,
            "Provider key",
            "Deletes all of a provider's tokens. It's the name in the app's manifest, such as google.",
            value=provider_key,
            optional=True,
        ),
        id_field(
            APP_ID,
            "App ID",
            "Looks like A12345. On its own, it deletes all of the app's tokens.",
            value=app_id,
            optional=True,
        ),
    ]


def build(metadata: str, blocks: list[Block]) -> View:
    """Build the modal."""
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Delete tokens",
        submit="Continue",
        close="Cancel",
        private_metadata=metadata,
        blocks=blocks,
    )


def parse(values: Values) -> DeleteTokens | FieldErrors:
    """Read what was filled in, or say what is wrong with it."""
    given = {name: value for name in (TOKEN_ID, PROVIDER_KEY, APP_ID) if (value := read_text(values, name))}
    if not given:
        return {TOKEN_ID: "Fill in at least one field."}
    errors: FieldErrors = {}
    for name, value in given.items():
        try:
            check_id(name, value)
        except InvalidParameter as error:
            errors[name] = error.problem
    if errors:
        return errors
    try:
        return DeleteTokens(**given)
    except InvalidParameter as error:
        return {TOKEN_ID: error.problem}
