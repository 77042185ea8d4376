"""The manifest is one that Slack accepts, and says what the code does."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bot.environment import COMMAND
from bot.listeners import LISTENERS
from bot.listeners.menu import SHORTCUT
from bot.sandbox.slack.scopes import GRANTED
from bot.sandbox.slack.state import State
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES
from tests.manual_clock import ManualClock

SCHEMA = json.loads((Path(__file__).parent / "facts" / "slack-manifest.schema.2.0.0.json").read_text())


def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((Path(__file__).parents[1] / "manifest.yml").read_text()))


def test_it_is_valid_against_slacks_schema() -> None:
    jsonschema.validate(manifest(), SCHEMA)


def test_it_names_what_the_code_listens_to() -> None:
    features = manifest()["features"]
    assert [command["command"] for command in features["slash_commands"]] == [COMMAND]
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == [SHORTCUT]
    assert features["shortcuts"][0]["name"] == "External tokens"
    assert manifest()["settings"]["socket_mode_enabled"]
    assert manifest()["settings"]["interactivity"]["is_enabled"]


def test_its_hint_begins_each_command_as_it_is_typed() -> None:
    (command,) = manifest()["features"]["slash_commands"]
    for hint, listener in zip(command["usage_hint"].split(" | "), LISTENERS, strict=True):
        assert hint.split()[0] == listener.subcommand.name
        assert all(word in listener.subcommand.usage for word in hint.split())


def test_it_asks_for_no_more_than_is_used() -> None:
    scopes = manifest()["oauth_config"]["scopes"]
    assert set(scopes["bot_optional"]) == set(OPTIONAL_SCOPES)
    # Slack wants what is optional in both lists: https://docs.slack.dev/reference/app-manifest
    assert set(scopes["bot"]) == set(REQUIRED_SCOPES) | set(OPTIONAL_SCOPES) == GRANTED


async def test_the_sandbox_escapes_as_it_says() -> None:
    (command,) = manifest()["features"]["slash_commands"]
    assert State(ManualClock()).should_escape is command["should_escape"] is True
