"""A seed file for the sandbox: YAML with people and tokens.

people:
  - {id: U0EVE, name: Eve, role: member}        # owner, admin, member, guest, external or deactivated
tokens:
  - {id: EtMine00001, provider: google, value: ya29.mine}
    # also account (its name at the provider), app_id, extras (a mapping), expired and refreshable (true or false)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.sandbox.slack.state import APP_ID, Person, State, StoredToken

_ROLES: Mapping[str, Mapping[str, Any]] = {
    "owner": {"is_admin": True, "is_owner": True},
    "admin": {"is_admin": True},
    "member": {},
    "guest": {"is_restricted": True},
    "external": {"team_id": "T0ELSEWHERE"},
    "deactivated": {"deleted": True},
}


class SeedError(ValueError):
    """The reason that a seed file can't be used, in one line."""


def plant_file(state: State, path: Path) -> None:
    """Replace the workspace's people and tokens with those in a file. Raises SeedError."""
    try:
        seed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SeedError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(seed, Mapping) or not set(seed) <= {"people", "tokens"}:
        raise SeedError(f"{path} must have people, tokens, or both at its top level.")
    if "people" in seed:
        state.people = {person.user_id: person for person in _each(path, "people", seed, _person)}
    if "tokens" in seed:
        state.tokens = {token.token_id: token for token in _each(path, "tokens", seed, _token)}
        state.providers, state.workflows = {}, []
        for token in state.tokens.values():
            token.updated_at = state.clock.now()
    if not state.people:
        raise SeedError(f"{path}: people is empty, so nobody could do anything.")


def _each(path: Path, group: str, seed: Mapping[str, Any], build: Any) -> list[Any]:
    entries = seed[group]
    if not isinstance(entries, list):
        raise SeedError(f"{path}: {group} must be a list.")
    built = []
    for number, entry in enumerate(entries, start=1):
        try:
            built.append(build(**entry))
        except (TypeError, ValueError) as error:
            raise SeedError(f"{path}: entry {number} of {group} is wrong: {error}") from None
    return built


def _person(*, id: str, name: str, role: str = "member") -> Person:  # noqa: A002 (the file's word)
    if role not in _ROLES:
        raise ValueError(f"role must be one of {', '.join(_ROLES)}, not “{role}”")
    return Person(str(id), str(name), **_ROLES[role])


def _token(
    *,
    id: str,  # noqa: A002 (the file's word)
    provider: str,
    value: str,
    account: str = "",
    app_id: str = APP_ID,
    extras: dict[str, Any] | None = None,
    expired: bool = False,
    refreshable: bool = True,
) -> StoredToken:
    return StoredToken(
        str(id),
        str(provider),
        str(value),
        str(app_id),
        extras,
        has_refresh_token=bool(refreshable),
        is_expired=bool(expired),
        account=str(account),
    )
