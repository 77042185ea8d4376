"""The modal for choosing several tokens to delete, and the confirmation, which names the tokens and the effects."""

from collections.abc import Sequence

from bot.batch import Batch, Item
from bot.environment import COMMAND
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import LONGEST_TEXT
from bot.slack.external_auth.models import (
    ACCOUNT,
    MOST_TYPED,
    PROVIDER_KEY,
    TOKEN_IDS,
    InvalidParameter,
    Selection,
    select,
)
from bot.views import metadata, parts
from bot.views.batches import named_tokens, stopping_workflows
from bot.views.fields import (
    FieldErrors,
    SubmittedView,
    form,
    id_field,
    intro,
    read_checked,
    read_text,
    text_field,
)
from bot.views.metadata import PendingBatch, UnreadableMetadata
from bot.views.parts import Block, View

FORM, CONFIRM = "extauth_cleanup", "extauth_cleanup_confirm"
TYPED = "typed_count"
CHOSEN = "chosen_token_ids"
MAX_LABEL, MAX_VALUE = 75, 150
"""Maximum number of characters in an option's label, and in its value.
https://docs.slack.dev/reference/block-kit/composition-objects/option-object"""


def build_form(metadata: str, shown: Sequence[Item] = ()) -> View:
    """Build the modal. It offers `shown`, the tokens of the list from which the person opened it."""
    return form(
        FORM,
        "Delete several tokens",
        "Continue",
        metadata,
        [
            intro(
                "Enter token IDs, or the account of somebody who has left to delete all of its tokens. "
                "You'll confirm before anything is deleted."
            ),
            *_choice(shown),
            text_field(
                TOKEN_IDS,
                "Other token IDs" if shown else "Token IDs",
                f"Up to {MOST_TYPED}, with spaces or line breaks between them.",
                optional=True,
                most=3000,
                multiline=True,
            ),
            text_field(
                ACCOUNT,
                "Account",
                f"As {COMMAND} list shows it, such as ada@example.com.",
                optional=True,
                most=LONGEST_TEXT,
            ),
            id_field(
                PROVIDER_KEY,
                "Provider key",
                "Deletes only the account's tokens of this provider, such as google.",
                value=None,
                optional=True,
            ),
        ],
    )


def _choice(shown: Sequence[Item]) -> list[Block]:
    options = []
    for item in shown:
        known = " · ".join(filter(None, [item.account, item.provider_key]))
        room = MAX_LABEL - len(item.token_id) - 3
        label = mrkdwn.clip(item.token_id, MAX_LABEL)
        if known and room > 10:
            label = f"{mrkdwn.clip(known, room)} · {item.token_id}"
        if len(item.token_id) <= MAX_VALUE:
            options.append(parts.option(label, item.token_id))
    boxes = parts.element("checkboxes", CHOSEN, options=options)
    return [parts.field(CHOSEN, "Accounts on this page", boxes, optional=True)] if options else []


def parse_form(view: SubmittedView) -> Selection | FieldErrors:
    """Return the selection, or the mistakes by field."""
    values = view["state"]["values"]
    typed = read_text(values, TOKEN_IDS)
    account, provider_key = read_text(values, ACCOUNT), read_text(values, PROVIDER_KEY)
    chosen = sorted(read_checked(values, CHOSEN))
    try:
        return select([*chosen, *(typed or "").replace(",", " ").split()], account, provider_key)
    except InvalidParameter as error:
        return {error.name: error.problem}


def build_confirmation(metadata: str, batch: Batch, *, is_listed: bool) -> View:
    """Build the confirmation. `is_listed` is True if Slack listed the accounts of the tokens."""
    count = parts.count(len(batch.items), "token")
    stops = "Workflows that use them stop working until someone reconnects the accounts."
    if is_listed:
        stops = stopping_workflows(batch) or "No workflow uses them, as far as Slack says."
    return form(
        CONFIRM,
        "Delete these tokens?" if len(batch.items) > 1 else "Delete this token?",
        "Delete",
        metadata,
        [
            named_tokens(f"This deletes {count}:", batch.items),
            parts.paragraph(
                f"• {stops}\n"
                "• Slack deletes its own copies only. The providers aren't told: other copies keep working until you "
                "revoke them there.\n"
                "• You can't undo this."
            ),
            text_field(TYPED, "Type what you're deleting to confirm", f"delete {count}", most=100),
        ],
    )


def parse_confirmation(view: SubmittedView) -> PendingBatch | FieldErrors:
    """Return the confirmed batch, or the mistakes by field. Raises UnreadableMetadata."""
    pending = metadata.read(view["private_metadata"]).batch
    if pending is None:
        raise UnreadableMetadata("The modal has no batch of this bot's.")
    typed = " ".join((read_text(view["state"]["values"], TYPED) or "").lower().replace(",", "").split())
    wanted = f"delete {parts.count(pending.count, 'token')}"
    if typed == wanted.replace(",", ""):
        return pending
    return {TYPED: f"That doesn't match. Nothing was deleted. Type: {wanted}"}
