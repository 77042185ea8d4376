"""Codes that Slack's external authentication writes to an app's activity log, and may pass on.

They are about the provider's entry in the app's manifest and about the sign-in of the account.
https://docs.slack.dev/tools/deno-slack-sdk/guides/integrating-with-services-requiring-external-authentication
"""

from bot.explanations.explanation import Explanation, Table, Who

TABLE: Table = {
    ("external_user_identity_not_found", None): Explanation(
        title="The provider did not say whose account it is",
        happened="Slack asks the provider who signed in, and the field it was told to look for is not in the answer.",
        to_do="Compare `identity_config.account_identifier` in the app's manifest with what the provider's identity "
        "address really answers.",
        who=Who.DEVELOPER,
    ),
    ("invalid_identity_config_response", None): Explanation(
        title="The provider's identity address gave an odd answer",
        happened="Slack called the address under `identity_config` in the app's manifest and could not use the answer.",
        to_do="Check that address, and that the scopes asked for include the one that opens the profile.",
        who=Who.DEVELOPER,
    ),
    ("invalid_token_response", None): Explanation(
        title="The provider's token address gave an odd answer",
        happened="Slack called the provider's `token_url` and the answer held no usable token.",
        to_do="Check `token_url` in the app's manifest, and whether the provider answers JSON with an `access_token`.",
        who=Who.DEVELOPER,
    ),
    ("missing_client_secret", None): Explanation(
        title="The provider's client secret is missing",
        happened="Slack holds no client secret for this provider, so it cannot speak to it for the app.",
        to_do="Add it with the Slack CLI: `slack external-auth add-secret`, then connect the account again.",
        who=Who.DEVELOPER,
    ),
    ("oauth2_callback_error", None): Explanation(
        title="The provider broke off the sign-in",
        happened="The provider sent the person back to Slack with an error instead of a grant. The person may have "
        "refused, or an administrator there may not allow the app.",
        to_do="Connect the account again and agree to every question. If the provider says that an administrator must "
        "agree, ask theirs.",
        who=Who.CONNECTOR,
    ),
    ("oauth2_exchange_error", None): Explanation(
        title="The provider refused to hand out a token",
        happened="Slack had the provider's grant and could not change it into a token: often a wrong client secret or "
        "a redirect address that the provider does not know.",
        to_do="Compare client id, client secret and redirect address at the provider with the app's manifest.",
        who=Who.DEVELOPER,
        retry=True,
    ),
    ("scope_mismatch_error", None): Explanation(
        title="The connected account lacks a permission",
        happened="Slack holds tokens for this account, but none with the scopes that the provider's entry in the "
        "manifest now asks for. That is common after the scopes were changed.",
        to_do="Connect the account again, so that it is asked for the present scopes.",
        who=Who.CONNECTOR,
    ),
}
