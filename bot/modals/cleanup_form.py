"""The modal that asks which of several tokens to delete: some IDs, or all of one account."""

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    ContextBlock,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
)
from slack_sdk.models.views import View

from bot.audit.batches import Item
from bot.modals.fields import FieldErrors, Values, id_field, read_checked, read_text
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

CALLBACK_ID = "extauth_cleanup"
CHOSEN = "chosen_token_ids"
MAX_LABEL, MAX_VALUE = 75, 150
"""The longest label and value of an option.
https://docs.slack.dev/reference/block-kit/composition-objects/option-object"""


def build(metadata: str, shown: Sequence[Item] = ()) -> View:
    """Build the modal. `shown` are the tokens of the list that it was opened from, to choose among."""
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Delete several tokens",
        submit="Continue",
        close="Cancel",
        private_metadata=metadata,
        blocks=[
            ContextBlock(
                elements=[
                    PlainTextObject(
                        text="Enter token IDs, or the account of somebody who has left to delete all of its tokens. "
                        "You'll confirm before anything is deleted."
                    )
                ]
            ),
            *_choice(shown),
            InputBlock(
                block_id=TOKEN_IDS,
                label="Other token IDs" if shown else "Token IDs",
                hint=f"Up to {MOST_TYPED}, with spaces or line breaks between them.",
                optional=True,
                element=PlainTextInputElement(action_id=TOKEN_IDS, multiline=True, max_length=3000),
            ),
            InputBlock(
                block_id=ACCOUNT,
                label="Account",
                hint="As /extauth list shows it, such as ada@example.com.",
                optional=True,
                element=PlainTextInputElement(action_id=ACCOUNT, max_length=LONGEST_TEXT),
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
    options = [Option(value=item.token_id, label=_label(item)) for item in shown if len(item.token_id) <= MAX_VALUE]
    if not options:
        return []
    boxes = CheckboxesElement(action_id=CHOSEN, options=options)
    return [InputBlock(block_id=CHOSEN, label="Accounts on this page", optional=True, element=boxes)]


def _label(item: Item) -> str:
    known = " · ".join(filter(None, [item.account, item.provider_key]))
    room = MAX_LABEL - len(item.token_id) - 3
    return (
        f"{mrkdwn.clip(known, room)} · {item.token_id}"
        if known and room > 10
        else mrkdwn.clip(item.token_id, MAX_LABEL)
    )


def parse(values: Values) -> Selection | FieldErrors:
    """Read what was filled in, or say what is wrong with it."""
    typed = read_text(values, TOKEN_IDS)
    account, provider_key = read_text(values, ACCOUNT), read_text(values, PROVIDER_KEY)
    chosen = sorted(read_checked(values, CHOSEN))
    try:
        return select([*chosen, *(typed or "").replace(",", " ").split()], account, provider_key)
    except InvalidParameter as error:
        return {error.name: error.problem}
