"""The codes that `apps.auth.external.get` and `apps.auth.external.delete` document as their own.

https://docs.slack.dev/reference/methods/apps.auth.external.get
https://docs.slack.dev/reference/methods/apps.auth.external.delete
"""

from bot.explanations.explanation import API_TOKEN, Explanation, Table, Who
from bot.operation import Operation

TABLE: Table = {
    ("token_not_found", Operation.GET): Explanation(
        title="Slack doesn't have this token",
        happened="The ID may be mistyped, or the token was deleted or belongs to another app.",
        to_do="Check the ID, including uppercase and lowercase. If the token was deleted, reconnect the account. It "
        "gets a new ID.",
        who=Who.CONNECTOR,
        edit=True,
    ),
    ("token_not_found", Operation.DELETE): Explanation(
        title="There's no token to delete",
        happened="No token has this ID. It may be gone already, or the ID is mistyped. Nothing changed.",
        to_do="Check the ID, including uppercase and lowercase. Extauth can't delete another app's tokens.",
        who=Who.YOU,
        edit=True,
    ),
    ("access_token_exchange_failed", None): Explanation(
        title="The provider didn't issue a new token",
        happened="Slack asked the provider for one, and the provider refused or didn't answer. The app may have lost "
        "its access there.",
        to_do="Try again. If this keeps happening, check the app's access at the provider, then reconnect the account.",
        who=Who.CONNECTOR,
        retry=True,
    ),
    ("no_refresh_token", None): Explanation(
        title="This token expired and can't be refreshed",
        happened="Slack has no refresh token for this account.",
        to_do="Reconnect the account with offline access. For Google, that's `access_type=offline`. For others, it's "
        "often the scope `offline_access`.",
        who=Who.CONNECTOR,
    ),
    ("no_refresh_token", Operation.REFRESH): Explanation(
        title="This token can't be refreshed",
        happened="Slack has no refresh token for this account. The current token is unchanged and may still work.",
        to_do="Fetch it without a forced refresh. To allow one, reconnect the account with offline access. For Google, "
        "that's `access_type=offline`.",
        who=Who.CONNECTOR,
    ),
    ("method_not_supported", None): Explanation(
        title="Extauth's token can't use this method",
        happened="Slack offers this method only to apps on its automation platform.",
        to_do=API_TOKEN,
        who=Who.OPERATOR,
    ),
    ("app_not_found", None): Explanation(
        title="Slack can't find this app",
        happened="No app with this ID has tokens that Extauth can delete. Nothing was deleted.",
        to_do="Copy the app ID from *Basic Information* in the app's settings. It starts with `A`.",
        who=Who.YOU,
        edit=True,
    ),
    ("invalid_args", None): Explanation(
        title="Slack can't combine these values",
        happened="Slack doesn't accept these values together. Nothing was deleted.",
        to_do="Enter one token ID, or a provider key, an app ID, or both.",
        who=Who.YOU,
        edit=True,
    ),
    ("no_tokens_found", None): Explanation(
        title="Slack has no matching tokens",
        happened="The provider or app exists, but Slack has no tokens for it. Nothing changed.",
        to_do="If you expected some, check the provider key and the app ID.",
        who=Who.YOU,
        edit=True,
    ),
    ("providers_not_found", None): Explanation(
        title="Slack can't find this provider",
        happened="The app's manifest has no provider with this key. Nothing was deleted.",
        to_do="Use the name under `external_auth_providers` in the manifest, such as `google`. For another app's "
        "provider, add its app ID.",
        who=Who.DEVELOPER,
        edit=True,
    ),
    ("unable_to_delete", None): Explanation(
        title="Slack couldn't delete the tokens",
        happened="Slack failed partway. Some tokens may be gone and others not.",
        to_do="Try again in a minute. Deleting twice does no harm.",
        who=Who.SLACK,
        retry=True,
    ),
}
