"""What a code means after `apps.auth.external.list`, which isn't in Slack's public reference.

Not every token may call it, so these say what can be done without it.
"""

from bot.explanations.explanation import API_TOKEN, Explanation, Table, Who
from bot.operation import Operation

_NAME_THE_APP = "Check the app ID, or add one: `/extauth list --app-id A12345`."

UNKNOWN = Explanation(
    title="Slack returned an unknown error",
    happened="Extauth doesn't know this error code, and the method has no page in Slack's reference.",
    to_do="Try again. If this keeps happening, report the code and the reference.",
    who=Who.OPERATOR,
    retry=True,
)

TABLE: Table = {
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
        to_do="Copy the app ID from *Basic Information* in the app's settings. It starts with `A`.",
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
        to_do="For another app, add its ID: `/extauth list --app-id A12345`.",
        who=Who.DEVELOPER,
    ),
}
