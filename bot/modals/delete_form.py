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
                    text="Fill in a token id for one token, or a provider key, an app id or both for all of theirs. "
                    "You are asked again before anything is deleted."
                )
            ]
        ),
        id_field(TOKEN_ID, "External token id", "Deletes this one token.", value=token_id, optional=True),
        id_field(
            PROVIDER_KEY,
            "Provider key",
            "Deletes all tokens of a provider, by its name in the app's manifest, such as google.",
            value=provider_key,
            optional=True,
        ),
        id_field(
            APP_ID,
            "App id",
            "Such as A12345. Alone it deletes all tokens of the app.",
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
        return {TOKEN_ID: "Please fill in at least one of the three fields."}
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
