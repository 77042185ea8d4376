"""A modal as Slack sends it back."""

from collections.abc import Mapping
from typing import Any


def submission(values: Mapping[str, Any], metadata: str = "") -> dict[str, Any]:
    """The view of a submitted modal with these values filled in."""
    return {"private_metadata": metadata, "state": {"values": values}}
