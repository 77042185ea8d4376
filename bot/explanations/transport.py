"""Failures on the way to Slack and back: `TransportCode` names them."""

from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

TABLE: Table = {
    ("http_error", None): Explanation(
        title="Slack answered with an HTTP error",
        happened="The request reached Slack or something before it, which answered with an error page instead of a "
        "result. That is usually a short outage.",
        to_do="Try again in a minute. If it lasts, look at status.slack.com; if Slack is well, a proxy between the bot "
        "and Slack may be answering, which whoever runs this bot can check.",
        who=Who.SLACK,
        retry=True,
    ),
    ("timeout", None): Explanation(
        title="Slack did not answer in time",
        happened="The bot waited ten seconds for Slack and gave up.",
        to_do="Try again. If it happens often, look at status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("timeout", Operation.DELETE): Explanation(
        title="Slack did not confirm the deletion in time",
        happened="The bot sent the deletion, waited ten seconds for the answer and gave up.",
        to_do="Ask again: if Slack then says that there is nothing to delete, the first attempt worked.",
        who=Who.SLACK,
        retry=True,
    ),
    ("connection_failed", None): Explanation(
        title="The connection to Slack failed",
        happened="The bot could not reach Slack, or the connection broke before the answer came.",
        to_do="Try again in a minute. If it lasts, whoever runs this bot should check its network, its proxy "
        "(`HTTPS_PROXY`) and `SLACK_API_URL`.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_not_json", None): Explanation(
        title="The answer could not be read",
        happened="What came back was not the JSON that Slack speaks. A proxy or a sign-in page between the bot and "
        "Slack often looks like this.",
        to_do="Try again. If it lasts, whoever runs this bot should check `HTTPS_PROXY` and `SLACK_API_URL`.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_not_object", None): Explanation(
        title="The answer had an unexpected form",
        happened="The answer was JSON, but not in the form of Slack's answers. The bot may not be talking to Slack.",
        to_do="Whoever runs this bot should check `SLACK_API_URL` and `HTTPS_PROXY`.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_without_ok", None): Explanation(
        title="The answer did not say whether it worked",
        happened="Slack's answers say `ok`, true or false. This one did not, so the bot takes it for a failure.",
        to_do="Try again. If it lasts, whoever runs this bot should check `SLACK_API_URL` and `HTTPS_PROXY`.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_without_token", None): Explanation(
        title="Slack said yes but sent no token",
        happened="The answer reports success, and the token itself is missing or empty.",
        to_do="Try again, then with `--force-refresh`. If it stays, reconnect the account.",
        who=Who.CONNECTOR,
        retry=True,
    ),
}
