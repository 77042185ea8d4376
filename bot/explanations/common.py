"""Codes that every Slack Web API method may return.

https://docs.slack.dev/reference/methods/apps.auth.external.get#errors
"""

from bot.explanations.explanation import API_TOKEN, Explanation, Table, Who
from bot.operation import Operation

# Only a malformed HTTP request gets these codes, so their explanations differ just in the title and the cause.
_MALFORMED = {
    "invalid_arg_name": ("Slack rejected a parameter name", "Slack doesn't accept one of the names in the request."),
    "invalid_array_arg": ("Slack rejected a list of values", "Slack got a list where it expects one value."),
    "invalid_charset": ("Slack rejected the text encoding", "Slack doesn't support the request's character set."),
    "invalid_form_data": ("Slack rejected the form data", "The request's form data was missing or broken."),
    "invalid_post_type": ("Slack rejected the content type", "Slack doesn't accept the request's content type."),
    "missing_post_type": ("Slack got no content type", "The request didn't say what kind of data it holds."),
}

TABLE: Table = {
    **{
        (code, None): Explanation(
            title=title,
            happened=f"{happened} That's a problem with Extauth or its network, not with what you typed.",
            to_do="Report the reference below.",
            who=Who.OPERATOR,
        )
        for code, (title, happened) in _MALFORMED.items()
    },
    ("access_denied", None): Explanation(
        title="Extauth can't access this token",
        happened="The token belongs to another app, or Extauth's app isn't allowed to use it.",
        to_do=API_TOKEN,
        who=Who.OPERATOR,
    ),
    ("accesslimited", None): Explanation(
        title="Slack blocks requests from this network",
        happened="Your workspace or organization limits which networks can call Slack.",
        to_do="Allow Extauth's network, or run Extauth on one that's allowed.",
        who=Who.OPERATOR,
    ),
    ("account_inactive", None): Explanation(
        title="Extauth's account was deactivated",
        happened="Extauth's token belongs to a deleted user or workspace.",
        to_do="Install the app again and set its new token.",
        who=Who.OPERATOR,
    ),
    ("deprecated_endpoint", None): Explanation(
        title="Slack retired this address",
        happened="Slack no longer answers at the address that Extauth called.",
        to_do="Update Extauth, and check `SLACK_API_URL`.",
        who=Who.OPERATOR,
    ),
    ("ekm_access_denied", None): Explanation(
        title="Your organization's encryption keys are locked",
        happened="Slack can't do this while your organization suspends access to its encryption keys.",
        to_do="Ask the people who manage the keys to restore access.",
        who=Who.ADMIN,
    ),
    ("enterprise_is_restricted", None): Explanation(
        title="This doesn't work for a whole organization",
        happened="Slack doesn't offer this method to apps that are installed for an entire organization.",
        to_do="Install the app in the workspace that has the external tokens.",
        who=Who.ADMIN,
    ),
    ("fatal_error", None): Explanation(
        title="Slack ran into a serious error",
        happened="Something went wrong inside Slack.",
        to_do="Try again in a minute. If this keeps happening, check status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("internal_error", None): Explanation(
        title="Slack ran into an error",
        happened="Something went wrong inside Slack. It usually passes.",
        to_do="Try again. If this keeps happening, check status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("invalid_arguments", None): Explanation(
        title="Slack rejected one of the values",
        happened="The small print has Slack's details, if it gave any.",
        to_do="Check each value. Token IDs look like `Et12345ABCDE`, app IDs like `A12345`.",
        who=Who.YOU,
        edit=True,
    ),
    ("invalid_auth", None): Explanation(
        title="Slack rejected Extauth's token",
        happened="The token is wrong, or Slack doesn't accept it from this network.",
        to_do="Run `extauth check`. It tests `SLACK_BOT_TOKEN` and `EXTAUTH_API_TOKEN`.",
        who=Who.OPERATOR,
    ),
    ("invalid_auth", Operation.DELETE): Explanation(
        title="Extauth's token can't delete this",
        happened="Extauth's token isn't valid, or it belongs to another app. Nothing was deleted.",
        to_do=f"Run `extauth check`. If the token is valid: {API_TOKEN}",
        who=Who.OPERATOR,
    ),
    ("method_deprecated", None): Explanation(
        title="Slack retired this method",
        happened="Slack no longer offers the method that Extauth called.",
        to_do="Update Extauth. The method's page, linked below, says what replaces it.",
        who=Who.OPERATOR,
    ),
    ("missing_scope", None): Explanation(
        title="Extauth's token is missing a scope",
        happened="Slack needs a scope that the token doesn't have.",
        to_do="Add the scope in the app's settings, install the app again, and set its new token.",
        who=Who.OPERATOR,
    ),
    ("no_permission", None): Explanation(
        title="Extauth's token isn't allowed to do this",
        happened="The token is valid, but the workspace doesn't let it do this.",
        to_do="Check the workspace's permissions for apps.",
        who=Who.ADMIN,
    ),
    ("not_allowed_token_type", None): Explanation(
        title="Slack doesn't accept Extauth's kind of token",
        happened="External tokens belong to Slack's automation platform. A plain bot token often can't use them.",
        to_do=API_TOKEN,
        who=Who.OPERATOR,
    ),
    ("not_authed", None): Explanation(
        title="Extauth's request had no token",
        happened="Something between Extauth and Slack may have dropped it.",
        to_do="Check `SLACK_BOT_TOKEN`, `EXTAUTH_API_TOKEN`, and any proxy.",
        who=Who.OPERATOR,
    ),
    ("org_login_required", None): Explanation(
        title="Your workspace is moving to an organization",
        happened="The workspace isn't available until Slack finishes the move.",
        to_do="Try again after the move.",
        who=Who.ADMIN,
        retry=True,
    ),
    ("ratelimited", None): Explanation(
        title="Slack is limiting requests",
        happened="Slack got too many requests in a short time.",
        to_do="Try again in a minute.",
        who=Who.YOU,
        retry=True,
    ),
    ("request_timeout", None): Explanation(
        title="Slack got an incomplete request",
        happened="Part of the request never reached Slack.",
        to_do="Try again. If this keeps happening, check Extauth's network and proxy.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("service_unavailable", None): Explanation(
        title="Slack isn't available right now",
        happened="The part of Slack that keeps external tokens is down.",
        to_do="Try again in a few minutes, or check status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("team_access_not_granted", None): Explanation(
        title="The app can't access this workspace",
        happened="The organization hasn't added the app to this workspace.",
        to_do="Add the app to the workspace in the organization's settings.",
        who=Who.ADMIN,
    ),
    ("team_added_to_org", None): Explanation(
        title="Your workspace is being moved",
        happened="Slack is moving it to an organization. Requests can fail until that's done.",
        to_do="Try again later.",
        who=Who.SLACK,
        retry=True,
    ),
    ("token_expired", None): Explanation(
        title="Extauth's own token expired",
        happened="That's the token Extauth uses with Slack, not the one you asked for.",
        to_do="Install the app again, or set a new `SLACK_BOT_TOKEN` or `EXTAUTH_API_TOKEN` and restart Extauth.",
        who=Who.OPERATOR,
    ),
    ("token_revoked", None): Explanation(
        title="Extauth's own token was revoked",
        happened="The app was removed, or its token was revoked. That's not the token you asked for.",
        to_do="Install the app again and set its new token.",
        who=Who.OPERATOR,
    ),
    ("unknown_method", None): Explanation(
        title="Slack doesn't know this method",
        happened="The address that Extauth calls doesn't offer the method.",
        to_do="Update Extauth, and check `SLACK_API_URL`.",
        who=Who.OPERATOR,
    ),
    ("two_factor_setup_required", None): Explanation(
        title="Extauth's account needs two-factor authentication",
        happened="The workspace requires it, and the account behind Extauth's token doesn't have it.",
        to_do="Set it up for that account, or use a bot token.",
        who=Who.OPERATOR,
    ),
}
