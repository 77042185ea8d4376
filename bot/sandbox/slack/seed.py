"""The people, providers, tokens, and workflows with which the sandbox starts."""

import secrets

from bot.sandbox.slack.external_tokens import make_jwt
from bot.sandbox.slack.providers import SimulatedProvider, Workflow
from bot.sandbox.slack.state import Person, State, StoredToken

OWNER = Person("U0OWNER", "Olivia (owner)", is_admin=True, is_owner=True, is_primary_owner=True)
ADMIN = Person("U0ADMIN", "Ada (admin)", is_admin=True)
MEMBER = Person("U0MEMBER", "Max (member)")
GUEST = Person("U0GUEST", "Gus (guest)", is_restricted=True)

PROVIDERS = (
    SimulatedProvider("google", "Google"),
    SimulatedProvider("github", "GitHub"),
    SimulatedProvider("salesforce", "Salesforce"),
    SimulatedProvider("zoom", "Zoom", has_client_secret=False),
)
WORKFLOWS = (
    Workflow("Wf0REPORT", "weekly_report", {"google": "EtGoogle0001", "salesforce": "EtSalesforce1"}),
    Workflow("Wf0TRIAGE", "triage_issues", {"github": "EtGitHub0001"}),
    Workflow("Wf0AGENDA", "daily_agenda", {"google": "EtGoogle0001", "zoom": ""}),
)
_HOUR = 3600.0


def people() -> list[Person]:
    """Return new copies of the people, so that a test can change their roles."""
    return [Person(**vars(person)) for person in (ADMIN, OWNER, MEMBER, GUEST)]


def tokens(now: float) -> list[StoredToken]:
    """Return new tokens. `now` is in seconds since the epoch, UTC."""
    return [
        StoredToken(
            "EtGoogle0001",
            "google",
            f"ya29.{secrets.token_urlsafe(64)}",
            extras={"token_type": "Bearer", "scope": "openid email", "expires_in": 3599, "id_token": "eyJhbGciOi.e30."},
            account="ada@example.com",
            updated_at=now - _HOUR,
        ),
        StoredToken(
            "EtGoogle0002",
            "google",
            make_jwt(now + 3000, "EtGoogle0002"),
            is_expired=True,
            account="max@example.com",
            updated_at=now - 40 * 24 * _HOUR,
        ),
        StoredToken(
            "EtGitHub0001",
            "github",
            f"gho_{secrets.token_urlsafe(30)}",
            has_refresh_token=False,
            account="ada-codes",
            updated_at=now - 200 * 24 * _HOUR,
        ),
        StoredToken(
            "EtSalesforce1",
            "salesforce",
            f"00D{secrets.token_hex(6)}!{secrets.token_urlsafe(72)}",
            extras={"instance_url": "https://example.my.salesforce.com", "signature": secrets.token_urlsafe(24)},
            account="sales@example.com",
            updated_at=now - 3 * _HOUR,
        ),
        StoredToken(
            "EtLong000001", "salesforce", long_token(), account="olivia@example.com", updated_at=now - 30 * _HOUR
        ),
        StoredToken("EtShort00001", "github", "tiny-token", account="max-builds", updated_at=now - 5 * 24 * _HOUR),
    ]


def long_token() -> str:
    """Return a token of 6,000 characters, which include the characters of Slack's markup."""
    plain = secrets.token_urlsafe(4500)
    return "".join(plain[number * 12 : number * 12 + 12] + "&<>`*_~"[number % 7] for number in range(500))[:6000]


def plant(state: State) -> None:
    """Put the people, providers, tokens, and workflows into a workspace."""
    state.people |= {person.user_id: person for person in people()}
    state.tokens |= {token.token_id: token for token in tokens(state.clock.now())}
    state.providers |= {provider.key: provider for provider in PROVIDERS}
    state.workflows = [*WORKFLOWS]


def plant_accounts(state: State, count: int) -> None:
    """Add `count` connected accounts to a workspace, refreshed an hour apart, from three providers in turn."""
    for number in range(1, count + 1):
        provider = PROVIDERS[number % 3].key
        state.tokens[f"EtMany{number:06d}"] = StoredToken(
            f"EtMany{number:06d}",
            provider,
            f"{provider}-{secrets.token_urlsafe(30)}",
            account=f"person{number:04d}@example.com",
            updated_at=state.clock.now() - number * _HOUR,
        )
