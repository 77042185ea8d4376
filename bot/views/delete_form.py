"""The modal that asks for the tokens to delete, and the confirmation. A bulk deletion needs a typed key or ID."""

from bot.environment import COMMAND
from bot.ids import quote
from bot.slack.external_auth.models import LABELS, DeleteTokens, InvalidParameter
from bot.views import metadata, parts
from bot.views.fields import (
    APP_ID,
    PROVIDER_KEY,
    TOKEN_ID,
    FieldErrors,
    Offer,
    SubmittedView,
    form,
    id_field,
    intro,
    read_ids,
    read_text,
    text_field,
    token_fields,
)
from bot.views.metadata import PendingDelete, UnreadableMetadata
from bot.views.parts import View

FORM, CONFIRM = "extauth_delete", "extauth_delete_confirm"
TYPED = "typed_name"
_KINDS = {"external_token_id": "token", "provider_key": "provider", "app_id": "app"}


def build_form(
    metadata: str,
    offer: Offer,
    token_id: str | None = None,
    provider_key: str | None = None,
    app_id: str | None = None,
) -> View:
    """Build the modal with the known values."""
    return form(
        FORM,
        "Delete tokens",
        "Continue",
        metadata,
        [
            intro(
                "Enter a token ID to delete one token, or a provider key, an app ID, or both to delete all of "
                "theirs. You'll confirm before anything is deleted."
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
        ],
    )


def parse_form(view: SubmittedView) -> DeleteTokens | FieldErrors:
    """Return the deletion, or the mistakes by field."""
    given, errors = read_ids(view["state"]["values"], f"{COMMAND} delete")
    if errors:
        return errors
    if not given:
        return {TOKEN_ID: "Fill in at least one field."}
    try:
        return DeleteTokens(**given)
    except InvalidParameter as error:
        return {TOKEN_ID: error.problem}


def build_confirmation(metadata: str, pending: PendingDelete) -> View:
    """Build the confirmation. `metadata` must hold the pending deletion."""
    is_bulk = TOKEN_ID not in pending.shown
    # Quotes and IDs don't contain any character that would be markup inside a code span.
    owners = " of ".join(f"the {_KINDS[name]} `{shown}`" for name, shown in pending.shown.items())
    goes = f"This deletes all tokens of {owners}, for every account." if is_bulk else f"Delete {owners}?"
    breaks = (
        f"• Workflows that use {'them' if is_bulk else 'it'} stop working until someone reconnects the account.\n"
        "• Slack deletes its own copy only. The provider isn't told: other copies keep working until you revoke them "
        "there.\n"
        "• You can't undo this."
    )
    inputs = [
        text_field(block_id, f"Type the {LABELS[name]} to confirm", pending.shown[name])
        for name, block_id in _typed_fields(pending).items()
    ]
    title = "Delete all tokens?" if is_bulk else "Delete this token?"
    return form(CONFIRM, title, "Delete", metadata, [parts.paragraph(f"*{goes}*"), parts.paragraph(breaks), *inputs])


def parse_confirmation(view: SubmittedView) -> DeleteTokens | FieldErrors:
    """Return the confirmed deletion, or the mistakes by field. Raises UnreadableMetadata."""
    pending, values = metadata.read(view["private_metadata"]).request, view["state"]["values"]
    if pending is None:
        raise UnreadableMetadata("The modal has no deletion of this bot's.")
    named, errors, typed = dict(pending.shown), FieldErrors(), _typed_fields(pending)
    for name, block_id in typed.items():
        named[name] = read_text(values, block_id) or ""
        if quote(named[name]) != pending.shown[name]:
            errors[block_id] = f"That isn't the {LABELS[name]}. Nothing was deleted. Type: {pending.shown[name]}"
    try:
        return errors or DeleteTokens(**named)
    except InvalidParameter as error:
        return {typed.get(error.name, TYPED): error.problem}


def _typed_fields(pending: PendingDelete) -> dict[str, str]:
    """Return the block IDs of the values to type: the main one of a bulk deletion, and those that aren't stored."""
    main = next(iter(pending.shown))
    names = [name for name in pending.shown if name in pending.quoted or (name == main and name != TOKEN_ID)]
    return {name: TYPED if name == main else f"typed_{name}" for name in names}
