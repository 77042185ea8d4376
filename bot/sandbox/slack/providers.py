"""The providers in an app's manifest, and the workflows that use their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SimulatedProvider:
    """A service that the app's manifest names under `external_auth_providers`.

    `shape` changes fields of its part of a list, because Slack's own answers differ from each other.
    """

    key: str
    name: str
    has_client_secret: bool = True
    shape: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Workflow:
    """A workflow, and the IDs of the tokens that it uses, by provider key."""

    workflow_id: str
    callback_id: str
    selected: Mapping[str, str] = field(default_factory=dict)
