"""Calls to Slack that distinguish a refusal by Slack from a failure to reach Slack."""

from dataclasses import replace

from pydantic import SecretStr

from bot.check.finding import Finding, not_checked, ok, problem
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.calls import RATE_LIMIT_BUDGET, Attempts, HttpAnswer, SlackHealth
from bot.slack.client import ClientFactory, host_of
from bot.slack.external_auth.errors import (
    ExternalAuthError,
    RateLimitedError,
    RefusedError,
    TransportCode,
    UnreachableError,
    from_answer,
    from_exception,
)

TOKEN_REFUSALS = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "invalid_token",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
"""Slack's error codes about the token itself, which any method may return. https://docs.slack.dev/reference/methods"""

SUBJECT = "SLACK_API_URL"
_ROUTE = "Check the network, HTTPS_PROXY, and SLACK_API_URL."
_LATER = "Try again in a minute. Slack's status is at https://slack-status.com."


async def ask(clients: ClientFactory, token: SecretStr | None, method: str, **arguments: str) -> HttpAnswer:
    """Call a Web API method and return a successful response. Raises ExternalAuthError."""
    attempts = Attempts(clients.clock, clients.calls, reconnects=True, budget=RATE_LIMIT_BUDGET)
    try:
        # The arguments are sent as a form, because not every method accepts JSON.
        response = await clients.web(token, attempts).api_call(method, data=dict(arguments))
    except Exception as error:
        failure = from_exception(method, error)
    else:
        return HttpAnswer(response.status_code, response.headers, response.data)
    raise failure if attempts.answer is None else from_answer(method, attempts.answer, arguments)


def reason(error: ExternalAuthError) -> str:
    """Return the reason that a call to Slack failed, to follow “because”."""
    if isinstance(error, UnreachableError):
        return "Slack couldn't be reached"
    if isinstance(error, RateLimitedError):
        return "Slack asked to slow down"
    if isinstance(error, RefusedError):
        return f"Slack answered {error.code}"
    match error.code:
        case TransportCode.TIMEOUT:
            return "Slack didn't answer in time"
        case TransportCode.CONNECTION_FAILED:
            return "the connection to Slack broke"
        case TransportCode.HTTP_ERROR:
            return f"Slack answered with HTTP {error.status}"
        case code if code in frozenset(TransportCode):
            return "the answer wasn't one of Slack's Web API"
    return f"Slack has an internal problem ({error.code})"


async def reach(settings: Settings, clients: ClientFactory) -> tuple[Finding, str | None]:
    """Check that Slack responds, and if it doesn't, return the reason that no other call is possible."""
    health = SlackHealth(settings.api_url, Metrics(), clients.clock, ())
    host = host_of(settings.api_url)
    try:
        await ask(replace(clients, calls=health), None, "api.test")
    except RefusedError:
        pass  # Even a refusal shows that Slack can be reached.
    except ExternalAuthError as error:
        why = reason(error)
        if error.code == TransportCode.CERTIFICATE_NOT_TRUSTED:
            trusted = (
                "that this machine trusts" if settings.ca_file is None else f"in SSL_CERT_FILE ({settings.ca_file})"
            )
            says = f"The certificate of {host} isn't from an authority {trusted}."
            fix = "If a proxy opens the connections, name the file with its authority in SSL_CERT_FILE."
            return problem(SUBJECT, says, fix), why
        if error.code == TransportCode.PROXY_REFUSED:
            password = " its user or password" if error.status == 407 else ""
            says = f"The proxy in HTTPS_PROXY refuses{password or ' the connection'} (HTTP {error.status})."
            return problem(SUBJECT, says, "Correct HTTPS_PROXY, or let the proxy connect to Slack."), why
        if error.status is not None and error.status < 500 and error.code in frozenset(TransportCode):
            says = f"What answers at {host} isn't Slack's Web API (HTTP {error.status})."
            return problem(SUBJECT, says, _ROUTE), why
        if error.status is not None:
            return not_checked(SUBJECT, why, _LATER), why
        how = "no answer in time" if error.code == TransportCode.TIMEOUT else "the connection broke"
        if isinstance(error, UnreachableError):
            how = "no connection"
        return problem(SUBJECT, f"Slack can't be reached at {host}: {how}.", _ROUTE), why
    if health.clock_problem is not None:
        says = f"Slack answers at {host}, but this machine's clock is {health.clock_problem}."
        return problem(SUBJECT, says, "Set the clock, and let a time server keep it right.", can_run=True), None
    return ok(SUBJECT, f"Slack answers at {host}."), None
