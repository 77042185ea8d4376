"""The modal that asks which tokens to delete. Its submission leads to the confirmation."""

from slack_sdk.models.blocks import Block, ContextBlock, PlainTextObject
from slack_sdk.models.views import View

from bot.modals.fields import (
    PROVIDER_KEY,
    TOKEN_ID,
    FieldErrors,
    Offer,
    Readers,
    Values,
    id_field,
    read_id,
    read_ids,
    read_text,
    read_token_id,
    token_fields,
)
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter

CALLBACK_ID = "extauth_delete"
APP_ID = "app_id"

_READERS: Readers = {
    TOKEN_ID: lambda values: read_token_id(values, "/extauth delete ID"),
    PROVIDER_KEY: lambda values: read_id(values, PROVIDER_KEY, "/extauth delete --provider-key KEY"),
    APP_ID: lambda values: read_text(values, APP_ID),
}


def fields(
    offer: Offer, token_id: str | None = None, provider_key: str | None = None, app_id: str | None = None
) -> list[Block]:
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
        *token_fields("Deletes only this token.", value=token_id, optional=True, offer=offer),
        id_field(
            PROVIDER_KEY,
            "Provider key",
            "Deletes all of a provider's tokens. It's the name in the app's manifest, such as google.",
            value=provider_key,
            optional=True,
            has_list=offer.has_list,
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
    given, errors = read_ids(values, _READERS)
    if errors:
        return errors
    if not given:
        return {TOKEN_ID: "Fill in at least one field."}
    try:
        return DeleteTokens(**given)
    except InvalidParameter as error:
        return {TOKEN_ID: error.problem}
