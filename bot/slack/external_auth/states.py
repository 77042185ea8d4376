"""What Slack's answer to a fetch says of the connected account behind the token."""

from enum import StrEnum


class AccountState(StrEnum):
    """Whether a connected account works. The value is what the database and an export hold."""

    WORKS = "works"
    EXPIRED = "expired"
    REJECTED = "rejected"
    GONE = "gone"
    UNKNOWN = "unknown"

    @property
    def is_broken(self) -> bool:
        """Whether somebody has to do something about the account."""
        return self in (AccountState.EXPIRED, AccountState.REJECTED, AccountState.GONE)


_STATES = {
    "no_refresh_token": AccountState.EXPIRED,
    "token_not_found": AccountState.GONE,
    **dict.fromkeys(
        (
            "access_token_exchange_failed",
            "answer_without_token",
            "external_user_identity_not_found",
            "invalid_identity_config_response",
            "invalid_token_response",
            "missing_client_secret",
            "oauth2_callback_error",
            "oauth2_exchange_error",
            "scope_mismatch_error",
        ),
        AccountState.REJECTED,
    ),
}
"""The codes that are about the token and its account. Any other says nothing of them."""


def state_of(code: str | None) -> AccountState:
    """Return the state that a fetch's error code tells of; None stands for a token that was returned."""
    return AccountState.WORKS if code is None else _STATES.get(code, AccountState.UNKNOWN)
