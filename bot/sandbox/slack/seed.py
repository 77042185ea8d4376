"""The people and tokens that the sandbox starts with."""

import secrets

from bot.sandbox.slack.external_tokens import make_jwt
from bot.sandbox.slack.state import Person, State, StoredToken

OWNER = Person("U0OWNER", "Olivia (owner)", is_admin=True, is_owner=True, is_primary_owner=True)
ADMIN = Person("U0ADMIN", "Ada (admin)", is_admin=True)
MEMBER = Person("U0MEMBER", "Max (member)")
GUEST = Person("U0GUEST", "Gus (guest)", is_restricted=True)


def people() -> list[Person]:
    """New people, whose standing can be changed."""
    return [Person(**vars(person)) for person in (ADMIN, OWNER, MEMBER, GUEST)]


def tokens(now: float) -> list[StoredToken]:
    """New tokens; `now` is in seconds since the epoch, UTC."""
    return [
        StoredToken(
            "EtGoogle0001",
            "google",
            f"ya29.{secrets.token_urlsafe(64)}",
            extras={"token_type": "Bearer", "scope": "openid email", "expires_in": 3599, "id_token": "eyJhbGciOi.e30."},
        ),
        StoredToken("EtGoogle0002", "google", make_jwt(now + 3000, "EtGoogle0002"), is_expired=True),
        StoredToken("EtGitHub0001", "github", f"gho_{secrets.token_urlsafe(30)}", has_refresh_token=False),
        StoredToken(
            "EtSalesforce1",
            "salesforce",
            f"00D{secrets.token_hex(6)}!{secrets.token_urlsafe(72)}",
            extras={"instance_url": "https://example.my.salesforce.com", "signature": secrets.token_urlsafe(24)},
        ),
        StoredToken("EtLong000001", "salesforce", long_token()),
        StoredToken("EtShort00001", "github", "tiny-token"),
    ]


def long_token() -> str:
    """6,000 characters, with those that markup would spoil."""
    return "".join(secrets.token_urlsafe(9) + "&<>`*_~"[number % 7] for number in range(500))[:6000].ljust(6000, "`")


def plant(state: State) -> None:
    """Put the people and tokens into a workspace."""
    state.people |= {person.user_id: person for person in people()}
    state.tokens |= {token.token_id: token for token in tokens(state.clock.now())}
