"""The codes that every Slack Web API method may answer.

https://docs.slack.dev/reference/methods/apps.auth.external.get#errors
"""

from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

_BUG = "This is a mistake in the bot or in something between it and Slack, not in what you typed."
_REPORT = "Send the reference id below to whoever runs this bot; they can report it to the project."

# Codes that only a wrongly built HTTP request gets: title, and what happened.
_MALFORMED = {
    "invalid_arg_name": (
        "Slack did not know the name of a parameter",
        "A parameter was sent under a name that Slack does not accept.",
    ),
    "invalid_array_arg": ("Slack received a list where it wants one value", "A parameter arrived at Slack as a list."),
    "invalid_charset": (
        "Slack could not read the request's characters",
        "The request named a character set that Slack does not know.",
    ),
    "invalid_form_data": ("Slack received a broken form", "The form data of the request was missing or broken."),
    "invalid_post_type": (
        "Slack received an unknown kind of content",
        "The request's content type is one that Slack does not accept.",
    ),
    "missing_post_type": (
        "Slack could not tell what kind of content it got",
        "The request arrived without a content type.",
    ),
}

TABLE: Table = {
    **{
        (code, None): Explanation(title=title, happened=f"{happened} {_BUG}", to_do=_REPORT, who=Who.OPERATOR)
        for code, (title, happened) in _MALFORMED.items()
    },
    ("access_denied", None): Explanation(
        title="Slack denies access to this token",
        happened="The token exists or may exist, and the app this bot speaks for is not allowed to touch it.",
        to_do="Use the app that the external token belongs to: put its token into `EXTAUTH_API_TOKEN`.",
        who=Who.OPERATOR,
    ),
    ("accesslimited", None): Explanation(
        title="Slack does not accept this method from the bot's network",
        happened="The workspace or organisation limits from which networks its API may be called.",
        to_do="Allow the address the bot calls from, or run the bot in a network that is allowed.",
        who=Who.OPERATOR,
    ),
    ("account_inactive", None): Explanation(
        title="The bot's account has been switched off",
        happened="The token the bot speaks with belongs to a deleted user or workspace.",
        to_do="Install the app again and give the bot the new token.",
        who=Who.OPERATOR,
    ),
    ("deprecated_endpoint", None): Explanation(
        title="Slack has retired this address",
        happened="Slack no longer serves the address that the bot called.",
        to_do="Update the bot, and check that `SLACK_API_URL` is not set to an old address.",
        who=Who.OPERATOR,
    ),
    ("ekm_access_denied", None): Explanation(
        title="Your organisation's encryption keys are locked",
        happened="Administrators of Enterprise Key Management have suspended access, so Slack cannot do this now.",
        to_do="Ask those who manage the encryption keys of your organisation to restore access.",
        who=Who.ADMIN,
    ),
    ("enterprise_is_restricted", None): Explanation(
        title="This cannot be asked for a whole organisation",
        happened="Slack does not serve this method to an app that is installed on an Enterprise organisation.",
        to_do="Install the app on the workspace that holds the external tokens.",
        who=Who.ADMIN,
    ),
    ("fatal_error", None): Explanation(
        title="Slack broke down while working on this",
        happened="Something serious went wrong inside Slack.",
        to_do="Wait a minute and try again. If it lasts, look at status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("internal_error", None): Explanation(
        title="Slack had a hiccup",
        happened="Something went wrong inside Slack; such errors are mostly gone with the next attempt.",
        to_do="Try again. If it lasts, look at status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("invalid_arguments", None): Explanation(
        title="Slack did not accept a parameter",
        happened="Slack found one of the values invalid; its own detail, if it gave one, is in the small print.",
        to_do="Compare each value with where you copied it from. Token ids look like `Et12345ABCDE`, app ids like "
        "`A12345`.",
        who=Who.YOU,
    ),
    ("invalid_auth", None): Explanation(
        title="Slack does not accept the bot's token",
        happened="The token the bot speaks with is wrong, or the bot calls from an address that is not allowed for it.",
        to_do="Check `SLACK_BOT_TOKEN`, and `EXTAUTH_API_TOKEN` if it is set: `python -m bot check` tests both.",
        who=Who.OPERATOR,
    ),
    ("invalid_auth", Operation.DELETE): Explanation(
        title="The bot's token may not delete this",
        happened="Slack answers this in two cases: the token the bot speaks with is not valid, or it is valid but "
        "belongs to another app than the external token does. Nothing was deleted.",
        to_do="If fetching tokens works, it is the second case: `EXTAUTH_API_TOKEN` has to be a token of the app that "
        "owns the external token. `python -m bot check` tells whether it is the first.",
        who=Who.OPERATOR,
    ),
    ("method_deprecated", None): Explanation(
        title="Slack has retired this method",
        happened="Slack no longer offers the method that the bot called.",
        to_do="Look at the method's page for what replaces it, and update the bot.",
        who=Who.OPERATOR,
    ),
    ("missing_scope", None): Explanation(
        title="The bot's token lacks a permission",
        happened="Slack asks for a scope that the token was not given; the small print names it if Slack did.",
        to_do="Add the scope in the app's settings, install the app again, and give the bot the new token.",
        who=Who.OPERATOR,
    ),
    ("no_permission", None): Explanation(
        title="The bot's token does not have the right to do this",
        happened="The token is valid, and the workspace does not let it do this.",
        to_do="Ask a workspace admin whether app permissions are restricted, and which token may do it.",
        who=Who.ADMIN,
    ),
    ("not_allowed_token_type", None): Explanation(
        title="Slack does not accept this kind of token here",
        happened="External tokens belong to Slack's automation platform, and the kind of token the bot speaks with "
        "(often a plain bot token) may not use this method.",
        to_do="Put a token that may, such as one issued to the app that owns the external tokens, into "
        "`EXTAUTH_API_TOKEN` and restart the bot.",
        who=Who.OPERATOR,
    ),
    ("not_authed", None): Explanation(
        title="The bot sent no token",
        happened="The request arrived at Slack without a token. Something between the bot and Slack may drop it.",
        to_do="Check `EXTAUTH_API_TOKEN` and `SLACK_BOT_TOKEN`, and any proxy on the way.",
        who=Who.OPERATOR,
    ),
    ("org_login_required", None): Explanation(
        title="Your workspace is moving to an organisation",
        happened="While Slack moves the workspace into an Enterprise organisation it is not available.",
        to_do="Wait until the move is over, then try again.",
        who=Who.ADMIN,
        retry=True,
    ),
    ("ratelimited", None): Explanation(
        title="Slack asks us to slow down",
        happened="Too many requests were made in the last minute. The bot has waited as long as it reasonably can.",
        to_do="Wait a little and try again.",
        who=Who.YOU,
        retry=True,
    ),
    ("request_timeout", None): Explanation(
        title="The request reached Slack incomplete",
        happened="Slack waited for the rest of the request and it did not come, as on a bad connection.",
        to_do="Try again. If it lasts, whoever runs this bot should check its network and proxy.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("service_unavailable", None): Explanation(
        title="Slack is not available at the moment",
        happened="The part of Slack that keeps external tokens is down for now.",
        to_do="Try again in a few minutes; status.slack.com tells how long it may take.",
        who=Who.SLACK,
        retry=True,
    ),
    ("team_access_not_granted", None): Explanation(
        title="The app has no access to this workspace",
        happened="The bot's token is valid, but the organisation has not let the app into this workspace.",
        to_do="An organisation admin can add the app to the workspace.",
        who=Who.ADMIN,
    ),
    ("team_added_to_org", None): Explanation(
        title="Your workspace is just being moved",
        happened="The workspace is being moved into an Enterprise organisation, and its API comes and goes meanwhile.",
        to_do="Try again later.",
        who=Who.SLACK,
        retry=True,
    ),
    ("token_expired", None): Explanation(
        title="The bot's own token has expired",
        happened="This is the token the bot speaks with, not the external token you asked about.",
        to_do="Give the bot a fresh token (`SLACK_BOT_TOKEN`, or `EXTAUTH_API_TOKEN` if set) and restart it.",
        who=Who.OPERATOR,
    ),
    ("token_revoked", None): Explanation(
        title="The bot's own token has been revoked",
        happened="The app was removed from the workspace, or the account its token belonged to is gone. This is the "
        "token the bot speaks with, not the external token you asked about.",
        to_do="Install the app again and give the bot the new token.",
        who=Who.OPERATOR,
    ),
    ("two_factor_setup_required", None): Explanation(
        title="The bot's account must set up two-factor sign-in",
        happened="The workspace asks for two-factor authentication, and the account whose token the bot uses has none.",
        to_do="Set it up for that account, or use a bot token instead of a person's.",
        who=Who.OPERATOR,
    ),
}
