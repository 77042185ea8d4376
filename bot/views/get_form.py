"""The modal that fetches a token."""

from bot.environment import COMMAND
from bot.slack.external_auth.models import GetToken, InvalidParameter
from bot.views import parts
from bot.views.fields import (
    TOKEN_ID,
    FieldErrors,
    Offer,
    SubmittedView,
    UnusableChoice,
    form,
    mistake,
    read_checked,
    read_token_id,
    token_fields,
)
from bot.views.parts import View

CALLBACK_ID = "extauth_get"
OPTIONS = "options"
FORCE_REFRESH = "force_refresh"
SHOW = "show"


def build(
    metadata: str, offer: Offer, token_id: str | None = None, *, force_refresh: bool = False, show: bool = False
) -> View:
    """Build the modal with the known values."""
    refresh_option = parts.option(
        "Force a refresh", FORCE_REFRESH, "Get a new token from the provider, even if this one hasn't expired."
    )
    show_option = parts.option("Show the token in full", SHOW, "Otherwise, you see it masked first.")
    ticked = [option for option, is_ticked in ((refresh_option, force_refresh), (show_option, show)) if is_ticked]
    offered = [refresh_option, *([show_option] if offer.can_show else [])]
    ticked = [option for option in ticked if option in offered]
    boxes = parts.element("checkboxes", OPTIONS, options=offered, initial_options=ticked or None)
    fields = token_fields(
        f"Looks like Et12345ABCDE. {COMMAND} help says where to find one.", value=token_id, optional=False, offer=offer
    )
    options = parts.field(OPTIONS, "Options", boxes, optional=True)
    return form(CALLBACK_ID, "Get a token", "Get", metadata, [*fields, options])


def parse(view: SubmittedView) -> GetToken | FieldErrors:
    """Return the request, or the mistakes by field."""
    values = view["state"]["values"]
    ticked = read_checked(values, OPTIONS)
    try:
        token_id = read_token_id(values, f"{COMMAND} get ID")
    except UnusableChoice as error:
        return {TOKEN_ID: str(error)}
    if token_id is None:
        return {TOKEN_ID: "Enter a token ID."}
    try:
        return GetToken(token_id, force_refresh=True if FORCE_REFRESH in ticked else None, show=SHOW in ticked)
    except InvalidParameter as error:
        return mistake(error)
