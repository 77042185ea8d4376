"""Codes that Slack's external authentication writes to an app's activity log, and may pass on.

The codes are about the provider's entry in the app's manifest and the sign-in to the account.
https://docs.slack.dev/tools/deno-slack-sdk/guides/integrating-with-services-requiring-external-authentication
"""

from bot.explanations.explanation import Explanation, Table, Who

TABLE: Table = {
    ("external_user_identity_not_found", None): Explanation(
        title="The provider didn't identify the account",
        happened="The provider's answer lacks the field that names the account.",
        to_do="Compare `identity_config.account_identifier` in the app's manifest with what the provider returns.",
        who=Who.DEVELOPER,
    ),
    ("invalid_identity_config_response", None): Explanation(
        title="Slack couldn't read the account's identity",
        happened="Slack couldn't use what the address under `identity_config` in the app's manifest returned.",
        to_do="Check that address, and that the scopes allow reading the profile.",
        who=Who.DEVELOPER,
    ),
    ("invalid_token_response", None): Explanation(
        title="The provider returned no usable token",
        happened="Slack called the provider's `token_url` and found no usable token in the answer.",
        to_do="Check `token_url` in the app's manifest. It must return JSON with an `access_token`.",
        who=Who.DEVELOPER,
    ),
    ("missing_client_secret", None): Explanation(
        title="The provider's client secret is missing",
        happened="Without it, Slack can't talk to the provider for this app.",
        to_do="Run `slack external-auth add-secret`. Then reconnect the account.",
        who=Who.DEVELOPER,
    ),
    ("oauth2_callback_error", None): Explanation(
        title="The provider ended the sign-in",
        happened="The person who signed in may have declined, or an admin at the provider may block the app.",
        to_do="Reconnect the account and approve access. If that's blocked, ask the provider's admin to allow the app.",
        who=Who.CONNECTOR,
    ),
    ("oauth2_exchange_error", None): Explanation(
        title="The provider rejected the sign-in",
        happened="Slack couldn't get a token for it. The client secret or the redirect URL may be wrong.",
        to_do="Compare the client ID, client secret, and redirect URL at the provider with the app's manifest.",
        who=Who.DEVELOPER,
        retry=True,
    ),
    ("scope_mismatch_error", None): Explanation(
        title="The connected account lacks a scope",
        happened="The app's manifest asks for scopes that this account hasn't approved.",
        to_do="Reconnect the account to approve them.",
        who=Who.CONNECTOR,
    ),
}
