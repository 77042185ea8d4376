"""The codes that `apps.auth.external.get` and `apps.auth.external.delete` document as their own.

https://docs.slack.dev/reference/methods/apps.auth.external.get
https://docs.slack.dev/reference/methods/apps.auth.external.delete
"""

from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

_NOT_SUPPORTED = Explanation(
    title="These methods are not open to this bot's token",
    happened="Slack keeps external tokens for apps of its automation platform, and does not offer this method to the "
    "app or workspace whose token the bot speaks with.",
    to_do="The token that asks must belong to the app that holds the external tokens. Put such a token into "
    "`EXTAUTH_API_TOKEN` and restart the bot.",
    who=Who.OPERATOR,
)

TABLE: Table = {
    ("token_not_found", Operation.GET): Explanation(
        title="Slack knows no token with this id",
        happened="Slack looked for an external token with this id and found none. It may be mistyped, already "
        "deleted, or kept for an app other than the one this bot speaks for.",
        to_do="Compare the id with the one shown where the account was connected: upper and lower case count. If it "
        "was deleted, the account has to be connected again, which gives it a new id.",
        who=Who.CONNECTOR,
    ),
    ("token_not_found", Operation.DELETE): Explanation(
        title="There is nothing to delete under this id",
        happened="Slack has no external token with this id. If somebody deleted it before you, the work is done; if "
        "the id is mistyped, the token you meant is still there. Nothing was changed.",
        to_do="Compare the id, upper and lower case included. A token of another app cannot be deleted from here.",
        who=Who.YOU,
    ),
    ("access_token_exchange_failed", None): Explanation(
        title="The provider did not give a fresh token",
        happened="Slack asked the provider to exchange or refresh the token, and the provider refused or did not "
        "answer. The grant may have been revoked there, its client secret changed, or the provider may be down.",
        to_do="Try once more. If it stays, check at the provider that the app is still allowed, then disconnect and "
        "reconnect the account.",
        who=Who.CONNECTOR,
        retry=True,
    ),
    ("no_refresh_token", None): Explanation(
        title="This token has expired and cannot be renewed",
        happened="Slack holds no refresh token for this account, so it cannot get a new access token there.",
        to_do="Connect the account again. To keep this from coming back, the provider has to grant offline access "
        "(Google: `access_type=offline`; elsewhere often the scope `offline_access`).",
        who=Who.CONNECTOR,
    ),
    ("no_refresh_token", Operation.REFRESH): Explanation(
        title="This token cannot be refreshed",
        happened="You asked for a forced refresh, but the provider never gave Slack a refresh token for this account. "
        "The present token is untouched and may still work.",
        to_do="Fetch it without `--force-refresh` to get the present token. To be able to refresh, reconnect the "
        "account with offline access (Google: `access_type=offline`; elsewhere often the scope `offline_access`).",
        who=Who.CONNECTOR,
    ),
    ("method_not_supported", None): _NOT_SUPPORTED,
    ("app_not_found", None): Explanation(
        title="Slack knows no app with this id",
        happened="The app id does not name an app whose tokens this bot's token may delete. Nothing was deleted.",
        to_do="App ids start with `A`; the app's settings page shows it under *Basic Information*. Compare it, or "
        "leave the app id out to mean the app this bot's token belongs to.",
        who=Who.YOU,
    ),
    ("invalid_args", None): Explanation(
        title="Slack does not accept these parameters together",
        happened="Each parameter may be right by itself, but Slack refuses this combination. Nothing was deleted.",
        to_do="Use one of the shapes that work: one token id alone; a provider key, with or without an app id; or an "
        "app id alone.",
        who=Who.YOU,
    ),
    ("no_tokens_found", None): Explanation(
        title="There are no tokens to delete",
        happened="The provider or app exists, but Slack keeps no tokens for it (any more). Nothing was changed.",
        to_do="If you expected some, check whether they belong to another provider key or app. Otherwise you are done.",
        who=Who.YOU,
    ),
    ("providers_not_found", None): Explanation(
        title="The app has no provider with this key",
        happened="Slack found no provider under this key in the app's manifest. Nothing was deleted.",
        to_do="The key is the name under `external_auth_providers` in the app's manifest, for example `google`; "
        "upper and lower case count. A provider of another app needs that app's id as well.",
        who=Who.DEVELOPER,
    ),
    ("unable_to_delete", None): Explanation(
        title="Slack could not delete the tokens",
        happened="Slack understood the request and then failed while deleting. Some tokens may be gone and others not.",
        to_do="Try again in a minute: deleting what is already gone does no harm.",
        who=Who.SLACK,
        retry=True,
    ),
}
