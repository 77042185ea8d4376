"""Codes that `apps.auth.external.get` and `apps.auth.external.delete` document as their own.

Also, the meaning of codes after `apps.auth.external.list` and `apps.auth.external.start`, which aren't in Slack's
public reference.

https://docs.slack.dev/reference/methods/apps.auth.external.get
https://docs.slack.dev/reference/methods/apps.auth.external.delete
"""

from bot.environment import COMMAND
from bot.explanations.explanation import API_TOKEN, Explanation, Table, Who
from bot.operation import Operation

_NAME_THE_APP = f"Check the app ID, or add one: `{COMMAND} list --app-id A12345`."
_NAME_THE_PROVIDER = (
    "Use the name under `external_auth_providers` in the manifest, such as `google`. For another app's provider, add "
    "its app ID."
)
_BY_COMMAND_LINE = "The app's developer can connect an account with `slack external-auth add`."
UNKNOWN_LISTING = Explanation(
    title="Slack returned an unknown error",
    happened="Extauth doesn't know this error code, and the method has no page in Slack's reference.",
    to_do="Try again. If this keeps happening, report the code and the reference.",
    who=Who.OPERATOR,
    retry=True,
)

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
        to_do=_NAME_THE_PROVIDER,
        who=Who.DEVELOPER,
        edit=True,
    ),
    # Slack's own command-line tool knows the next three codes: https://github.com/slackapi/slack-cli
    ("provider_not_found", None): Explanation(
        title="Slack knows no such provider",
        happened="The app's manifest has no provider with this key. Nothing changed.",
        to_do=_NAME_THE_PROVIDER,
        who=Who.DEVELOPER,
        edit=True,
    ),
    ("provider_not_found", Operation.LIST): Explanation(
        title="Slack knows no such provider",
        happened="The app's manifest has none, or not the one that Slack looked for.",
        to_do=_NAME_THE_APP,
        who=Who.DEVELOPER,
    ),
    ("restricted_plan_level", None): Explanation(
        title="The workspace's plan doesn't include this",
        happened="Slack offers external authentication only on some paid plans.",
        to_do="Ask a workspace owner to change the plan.",
        who=Who.ADMIN,
    ),
    ("app_auth_team_mismatch", None): Explanation(
        title="This app isn't in this workspace",
        happened="Slack says that the app and the workspace don't belong together.",
        to_do="Check the app ID, and that `EXTAUTH_API_TOKEN` is from the workspace where the app is installed.",
        who=Who.OPERATOR,
    ),
    ("unable_to_delete", None): Explanation(
        title="Slack couldn't delete the tokens",
        happened="Slack failed partway. Some tokens may be gone and others not.",
        to_do="Try again in a minute. Deleting twice does no harm.",
        who=Who.SLACK,
        retry=True,
    ),
    # Slack doesn't let every token list accounts, so these explanations include the alternatives.
    ("not_allowed_token_type", Operation.LIST): Explanation(
        title="Extauth's token can't list connected accounts",
        happened="Slack lists them only for some kinds of tokens, and not for Extauth's.",
        to_do=f"{API_TOKEN} Slack may refuse that.",
        who=Who.OPERATOR,
    ),
    ("method_not_supported", Operation.LIST): Explanation(
        title="Slack doesn't list accounts for this app",
        happened="Slack lists them only for apps on its automation platform.",
        to_do=f"{API_TOKEN} Slack may refuse that.",
        who=Who.OPERATOR,
    ),
    ("method_deprecated", Operation.LIST): Explanation(
        title="Slack retired this list",
        happened="Slack no longer offers the method that Extauth called.",
        to_do="Update Extauth.",
        who=Who.OPERATOR,
    ),
    ("unknown_method", Operation.LIST): Explanation(
        title="Slack doesn't offer this list",
        happened="The method isn't public, and Slack doesn't have it at the address that Extauth calls.",
        to_do="Nothing in Extauth can change that.",
        who=Who.SLACK,
    ),
    ("missing_scope", Operation.LIST): Explanation(
        title="Extauth's token lacks a scope for listing",
        happened="Slack lists accounts only for tokens that have it.",
        to_do="If the app's settings offer the scope, add it, install the app again, and set its new token.",
        who=Who.OPERATOR,
    ),
    ("access_denied", Operation.LIST): Explanation(
        title="Extauth can't list this app's accounts",
        happened="The accounts belong to another app.",
        to_do=API_TOKEN,
        who=Who.OPERATOR,
    ),
    ("app_not_found", Operation.LIST): Explanation(
        title="Slack can't find this app",
        happened="No app with this ID has accounts that Extauth can list.",
        to_do="Check the app ID, or `EXTAUTH_APP_ID`. It's under *Basic Information* in the app's settings.",
        who=Who.YOU,
    ),
    ("invalid_arguments", Operation.LIST): Explanation(
        title="Slack can't tell which app you mean",
        happened="It rejected the app ID, or needs one.",
        to_do=_NAME_THE_APP,
        who=Who.YOU,
    ),
    ("invalid_args", Operation.LIST): Explanation(
        title="Slack doesn't accept this app ID",
        happened="It rejected the app ID, or needs one.",
        to_do=_NAME_THE_APP,
        who=Who.YOU,
    ),
    ("no_tokens_found", Operation.LIST): Explanation(
        title="Slack has no accounts to list",
        happened="Nobody has connected an account to this app.",
        to_do="If you expected some, check the app ID.",
        who=Who.YOU,
    ),
    ("providers_not_found", Operation.LIST): Explanation(
        title="Slack finds no providers for this app",
        happened="The app's manifest has none.",
        to_do=f"For another app, add its ID: `{COMMAND} list --app-id A12345`.",
        who=Who.DEVELOPER,
    ),
    # Slack's command-line tool uses its user's own token, which Slack accepts where it refuses an app's.
    **{
        (code, Operation.CONNECT): Explanation(
            title="Extauth's token can't connect accounts",
            happened="Slack lets only some kinds of tokens connect accounts.",
            to_do=f"{_BY_COMMAND_LINE} Or: {API_TOKEN}",
            who=Who.DEVELOPER,
        )
        for code in ("not_allowed_token_type", "access_denied")
    },
    **{
        (code, Operation.CONNECT): Explanation(
            title="Slack doesn't let Extauth connect accounts",
            happened="The method isn't public, and Slack doesn't offer it for this app.",
            to_do=_BY_COMMAND_LINE,
            who=Who.DEVELOPER,
        )
        for code in ("method_not_supported", "method_deprecated", "unknown_method")
    },
    **{
        (code, Operation.CONNECT): Explanation(
            title="Slack knows no such provider",
            happened="The app's manifest has no provider with this key.",
            to_do=_NAME_THE_PROVIDER,
            who=Who.DEVELOPER,
        )
        for code in ("provider_not_found", "providers_not_found")
    },
    **{
        (code, Operation.CONNECT): Explanation(
            title="Slack can't tell which app you mean",
            happened="It rejected the app ID, or needs one.",
            to_do=f"Check the app ID, or add one: `{COMMAND} connect PROVIDER --app-id A12345`.",
            who=Who.YOU,
        )
        for code in ("app_not_found", "invalid_arguments", "invalid_args")
    },
    ("missing_scope", Operation.CONNECT): Explanation(
        title="Extauth's token lacks a scope for connecting",
        happened="Slack gives the provider's page only to tokens that have it.",
        to_do=_BY_COMMAND_LINE,
        who=Who.DEVELOPER,
    ),
}
