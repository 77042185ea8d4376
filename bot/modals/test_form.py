"""The modal that tests connected accounts."""

from slack_sdk.models.blocks import ContextBlock, PlainTextObject
from slack_sdk.models.views import View

from bot.modals.fields import FieldErrors, Values, id_field, read_text
from bot.slack.external_auth.models import InvalidParameter, ListAccounts, TestToken, check_id

CALLBACK_ID = "extauth_test"
TOKEN_ID = "external_token_id"
PROVIDER_KEY = "provider_key"
APP_ID = "app_id"


def build(metadata: str, token_id: str | None = None) -> View:
    """Build the modal, with what is already known."""
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Test accounts",
        submit="Test",
        close="Cancel",
        private_metadata=metadata,
        blocks=[
            ContextBlock(
                elements=[
                    PlainTextObject(
                        text="Extauth fetches each token to see whether its account still works. It doesn't show or "
                        "keep any. Leave all fields empty to test every connected account."
                    )
                ]
            ),
            id_field(TOKEN_ID, "Token ID", "Tests only this account.", value=token_id, optional=True),
            id_field(
                PROVIDER_KEY,
                "Provider key",
                "Tests all of a provider's accounts. It's the name in the app's manifest, such as google.",
                value=None,
                optional=True,
            ),
            id_field(APP_ID, "App ID", "Looks like A12345. Tests another app's accounts.", value=None, optional=True),
        ],
    )


def parse(values: Values) -> TestToken | ListAccounts | FieldErrors:
    """Read what was filled in, or say what is wrong with it."""
    given = {name: value for name in (TOKEN_ID, PROVIDER_KEY, APP_ID) if (value := read_text(values, name))}
    errors: FieldErrors = {}
    for name, value in given.items():
        try:
            check_id(name, value)
        except InvalidParameter as error:
            errors[name] = error.problem
    if errors:
        return errors
    token_id = given.pop(TOKEN_ID, None)
    if token_id is None:
        return ListAccounts(given.get(PROVIDER_KEY), given.get(APP_ID))
    if given:
        return {TOKEN_ID: "A token ID stands alone: it tests one account. Empty the other fields, or this one."}
    return TestToken(token_id)
