"""The simulated Slack's methods for external tokens."""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.providers import SimulatedProvider
from bot.sandbox.slack.state import APP_ID, State, StoredToken

_SECRET_KEY = re.compile(r"(?:token|secret|password|assertion|signature|code)$", re.IGNORECASE)


def get(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Implement https://docs.slack.dev/reference/methods/apps.auth.external.get"""
    token_id = arguments.get("external_token_id")
    if not isinstance(token_id, str) or not token_id:
        return {
            "ok": False,
            "error": "invalid_arguments",
            "response_metadata": {"messages": ["[ERROR] missing required field: external_token_id"]},
        }
    token = state.tokens.get(token_id)
    if token is None:
        return {"ok": False, "error": "token_not_found"}
    if arguments.get("force_refresh") in (True, "true", "1") or token.is_expired:
        if not token.has_refresh_token:
            return {"ok": False, "error": "no_refresh_token"}
        _refresh(state, token)
    state.secrets |= {token.value, *_secrets(token.extras)}
    answer: dict[str, Any] = {"ok": True, "external_token": token.value}
    return answer | ({"token_response_extras": token.extras} if token.extras else {})


def delete(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Implement https://docs.slack.dev/reference/methods/apps.auth.external.delete"""
    token_id, provider = arguments.get("external_token_id"), arguments.get("provider_key")
    app_id = arguments.get("app_id")
    if not (token_id or provider or app_id) or (token_id and (provider or app_id)):
        return {"ok": False, "error": "invalid_args"}
    if token_id:
        gone = [token for token in state.tokens.values() if token.token_id == token_id]
        missing = "token_not_found"
    else:
        apps = {token.app_id for token in state.tokens.values()} | {APP_ID}
        providers = {token.provider_key for token in state.tokens.values()}
        if app_id and app_id not in apps:
            return {"ok": False, "error": "app_not_found"}
        if provider and provider not in providers:
            return {"ok": False, "error": "providers_not_found"}
        gone = [
            token
            for token in state.tokens.values()
            if (not provider or token.provider_key == provider) and (not app_id or token.app_id == app_id)
        ]
        missing = "no_tokens_found"
    if not gone:
        return {"ok": False, "error": missing}
    for token in gone:
        del state.tokens[token.token_id]
    return {"ok": True}


def list_all(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Implement apps.auth.external.list, which Slack's own CLI calls and which isn't in the public reference."""
    app_id = arguments.get("app_id") or APP_ID
    tokens = [token for token in state.tokens.values() if token.app_id == app_id]
    if app_id != APP_ID and not tokens:
        return {"ok": False, "error": "app_not_found"}
    providers = dict(state.providers) if app_id == APP_ID else {}
    providers = {
        token.provider_key: SimulatedProvider(token.provider_key, token.provider_key) for token in tokens
    } | providers
    answer: dict[str, Any] = {
        "ok": True,
        "authorizations": [_authorization(provider, tokens) for provider in providers.values()],
    }
    if arguments.get("include_workflows") in (True, "true", "1"):
        answer["workflows"] = _workflows(state, providers, {token.token_id: token for token in tokens})
    return answer


def start(state: State, arguments: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Implement apps.auth.external.start, which Slack's own CLI calls and which isn't in the public reference."""
    app_id, key = arguments.get("app_id"), str(arguments.get("provider_key"))
    if app_id != APP_ID:
        return {"ok": False, "error": "app_not_found" if app_id else "invalid_arguments"}
    provider = state.providers.get(key)
    if provider is None:
        return {"ok": False, "error": "provider_not_found"}
    if not provider.has_client_secret:
        return {"ok": False, "error": "missing_client_secret"}
    consent = secrets.token_urlsafe(24)
    state.consents[consent] = key
    return {"ok": True, "authorization_url": provider.shape.get("authorization_url", f"{base_url}/consent/{consent}")}


def consent(state: State, name: str, account: str) -> bool:
    """Connect an account as a person does on the provider's page. Returns whether the page was still open."""
    key = state.consents.pop(name, None)
    if key is None:
        return False
    known = [one for one in state.tokens.values() if (one.provider_key, one.account) == (key, account)]
    token_id = known[0].token_id if known else f"Et{secrets.token_hex(5).upper()}"
    value = f"connected-{secrets.token_urlsafe(24)}"
    state.tokens[token_id] = StoredToken(token_id, key, value, account=account, updated_at=state.clock.now())
    state.changed()
    return True


def _authorization(provider: SimulatedProvider, tokens: list[StoredToken]) -> dict[str, Any]:
    own = [token for token in tokens if token.provider_key == provider.key]
    return {
        "provider_key": provider.key,
        "provider_name": provider.name,
        "client_id": f"client-of-{provider.key}",
        "client_secret_exists": provider.has_client_secret,
        "valid_token_exists": any(token.has_refresh_token or not token.is_expired for token in own),
        "external_tokens": [_described(token) for token in own],
        **provider.shape,
    }


def _described(token: StoredToken) -> dict[str, Any]:
    return {
        "external_token_id": token.token_id,
        "external_user_id": token.account,
        "date_updated": int(token.updated_at),
    }


def _workflows(
    state: State, providers: Mapping[str, SimulatedProvider], tokens: Mapping[str, StoredToken]
) -> list[dict[str, Any]]:
    return [
        {
            "workflow_id": workflow.workflow_id,
            "callback_id": workflow.callback_id,
            "providers": [
                {
                    "provider_key": key,
                    "provider_name": providers[key].name,
                    "selected_auth": _described(tokens[token_id]) if token_id in tokens else None,
                }
                for key, token_id in workflow.selected.items()
                if key in providers
            ],
        }
        for workflow in state.workflows
    ]


def make_jwt(expires_at: float, subject: str) -> str:
    """Return a token in the form of a JWT, with a random signature."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {"sub": subject, "exp": int(expires_at)})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(64)])


def _secrets(extras: object) -> set[str]:
    """Return the values whose keys have the name of a secret. Tests pass extras of any type."""
    if not isinstance(extras, Mapping):
        return set()
    return {value for key, value in extras.items() if isinstance(value, str) and value and _SECRET_KEY.search(str(key))}


def _refresh(state: State, token: StoredToken) -> None:
    token.refreshes += 1
    token.is_expired = False
    token.updated_at = state.clock.now()
    if token.value.startswith("eyJ"):
        token.value = make_jwt(state.clock.now() + 3600, f"{token.token_id}-{token.refreshes}")
    else:
        token.value = f"{token.value[:8]}{secrets.token_urlsafe(32)}"
