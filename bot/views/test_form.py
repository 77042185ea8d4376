"""The modal that tests connected accounts."""

from bot.environment import COMMAND
from bot.slack.external_auth.models import CheckToken, ListAccounts
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
    token_fields,
)
from bot.views.parts import View

CALLBACK_ID = "extauth_test"


def build(metadata: str, offer: Offer, token_id: str | None = None) -> View:
    return form(
        CALLBACK_ID,
        "Test accounts",
        "Test",
        metadata,
        [
            intro(
                "Extauth fetches each token to see whether its account still works. It doesn't show or "
                "keep any. Leave all fields empty to test every connected account."
            ),
            *token_fields("Tests only this account.", value=token_id, optional=True, offer=offer),
            id_field(
                PROVIDER_KEY,
                "Provider key",
                "Tests all of a provider's accounts. It's the name in the app's manifest, such as google.",
                value=None,
                optional=True,
                has_list=offer.has_list,
            ),
            id_field(APP_ID, "App ID", "Looks like A12345. Tests another app's accounts.", value=None, optional=True),
        ],
    )


def parse(view: SubmittedView) -> CheckToken | ListAccounts | FieldErrors:
    """Return the request, or the mistakes by field."""
    given, errors = read_ids(view["state"]["values"], f"{COMMAND} test")
    if errors:
        return errors
    token_id = given.pop(TOKEN_ID, None)
    if token_id is None:
        return ListAccounts(given.get(PROVIDER_KEY), given.get(APP_ID))
    if given:
        return {TOKEN_ID: "A token ID stands alone: it tests one account. Empty the other fields, or this one."}
    return CheckToken(token_id)
