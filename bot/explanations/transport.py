"""Failures to reach Slack or to read its response, whose codes are in `TransportCode`."""

from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

_CHECK_NETWORK = "Try again. If this keeps happening, check `HTTPS_PROXY` and `SLACK_API_URL`."

TABLE: Table = {
    ("http_error", None): Explanation(
        title="Slack returned an HTTP error",
        happened="Slack, or a proxy in front of it, sent an error page. That's usually a short outage.",
        to_do="Try again in a minute. If this keeps happening, check status.slack.com and Extauth's proxy.",
        who=Who.SLACK,
        retry=True,
    ),
    ("timeout", None): Explanation(
        title="Slack didn't answer in time",
        happened="Extauth waited 10 seconds.",
        to_do="Try again. If this keeps happening, check status.slack.com.",
        who=Who.SLACK,
        retry=True,
    ),
    ("timeout", Operation.DELETE): Explanation(
        title="Slack didn't confirm the deletion",
        happened="Extauth sent the deletion and waited 10 seconds.",
        to_do="Try again. If Slack then finds no token to delete, the first attempt worked.",
        who=Who.SLACK,
        retry=True,
    ),
    ("connection_failed", None): Explanation(
        title="Extauth couldn't reach Slack",
        happened="The connection failed, or broke before Slack answered.",
        to_do="Try again in a minute. If this keeps happening, check Extauth's network, `HTTPS_PROXY`, and "
        "`SLACK_API_URL`.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("certificate_not_trusted", None): Explanation(
        title="Extauth doesn't trust Slack's certificate",
        happened="Something between Extauth and Slack, such as a proxy, may open the connection. Nothing was sent.",
        to_do="If that's meant to be, name the file with its certificate authority in `SSL_CERT_FILE`.",
        who=Who.OPERATOR,
    ),
    ("proxy_refused", None): Explanation(
        title="Extauth's proxy doesn't let it reach Slack",
        happened="The proxy refused the connection, so nothing was sent.",
        to_do="Check the user and password in `HTTPS_PROXY`, and that the proxy allows Slack's hosts.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_not_json", None): Explanation(
        title="Extauth couldn't read Slack's answer",
        happened="It wasn't JSON. A proxy or a sign-in page may have answered instead of Slack.",
        to_do=_CHECK_NETWORK,
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_not_object", None): Explanation(
        title="Slack's answer had an unexpected format",
        happened="It was JSON, but not the kind that Slack sends. Something else may have answered.",
        to_do=_CHECK_NETWORK,
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_without_ok", None): Explanation(
        title="Slack's answer didn't say if it worked",
        happened="It lacks the field `ok`, so Extauth counts it as failed.",
        to_do=_CHECK_NETWORK,
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_without_token", None): Explanation(
        title="Slack's answer had no token in it",
        happened="Slack reported success, but sent no token.",
        to_do="Try again, then with a forced refresh. If this keeps happening, reconnect the account.",
        who=Who.CONNECTOR,
        retry=True,
    ),
    ("answer_without_address", None): Explanation(
        title="Slack's answer had no page in it",
        happened="Slack reported success, but sent no address of the provider's page.",
        to_do="Try again. If this keeps happening, report the reference below.",
        who=Who.OPERATOR,
        retry=True,
    ),
    ("answer_without_list", None): Explanation(
        title="Slack's answer had no list in it",
        happened="Slack reported success, but sent no accounts.",
        to_do="Try again. If this keeps happening, report the reference below.",
        who=Who.OPERATOR,
        retry=True,
    ),
}
