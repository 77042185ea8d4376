"""`extauth manifest`: what Slack accepts, from the code's own names, in whatever form it's wanted."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from bot.cli.main import main
from bot.cli.manifest import PROVIDERS
from bot.server.http import PATH
from tests.bot_process import ROOT
from tests.test_manifest import SCHEMA

URL = "https://extauth.example.com"


def printed(*options: str) -> str:
    ran = CliRunner().invoke(main, ["manifest", *options])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def loaded(*options: str) -> dict[str, Any]:
    return dict(yaml.safe_load(printed(*options)))


def values(value: object, name: str) -> list[object]:
    """Everything that stands under a name, however deep."""
    if isinstance(value, list):
        return [found for item in value for found in values(item, name)]
    if not isinstance(value, dict):
        return []
    return [found for key, item in value.items() for found in ([item] if key == name else values(item, name))]


def test_manifest_yml_is_what_it_prints() -> None:
    assert (ROOT / "manifest.yml").read_text() == printed(), "run: .venv/bin/extauth manifest > manifest.yml"


def test_the_readme_links_to_slack_with_the_manifest_filled_in() -> None:
    link = printed("--link").strip()
    assert f"\n[create]: {link}\n" in (ROOT / "README.md").read_text(), f"Put into the README:\n[create]: {link}"
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    assert query == {"new_app": ["1"], "manifest_yaml": [(ROOT / "manifest.yml").read_text()]}


def test_a_link_is_never_too_long_for_a_browser() -> None:
    longest = [f"--provider={name}" for name in sorted(PROVIDERS, key=lambda name: len(PROVIDERS[name]))[-2:]]
    assert len(printed("--link", "--url", f"https://{'a' * 200}.example", *longest)) < 8000


@pytest.mark.parametrize("options", [[], ["--url", URL], ["--provider", "google"], ["--json", "--url", URL]])
def test_slack_accepts_it(options: list[str]) -> None:
    manifest = loaded(*options)
    jsonschema.validate(manifest, SCHEMA)
    assert manifest["settings"]["socket_mode_enabled"] is ("--url" not in options)


@pytest.mark.parametrize("given", [URL, f"{URL}/", f"{URL}{PATH}"])
def test_over_http_slack_sends_everything_to_the_path_that_is_served(given: str) -> None:
    manifest = loaded("--url", given)
    settings = manifest["settings"]
    (command,) = manifest["features"]["slash_commands"]
    assert settings["interactivity"].pop("message_menu_options_url") == URL + PATH
    assert [command["url"], *values(settings, "request_url")] == [URL + PATH] * 3
    assert "://" not in json.dumps(loaded())


@pytest.mark.parametrize(
    "bad", ["http://extauth.example.com", "extauth.example.com", f"{URL}/?a=b", f"{URL}\nx: y", ""]
)
def test_a_url_that_slack_could_not_reach_is_refused(bad: str) -> None:
    ran = CliRunner().invoke(main, ["manifest", "--url", bad])
    assert (ran.exit_code, "must be a URL such as https://" in ran.stderr) == (2, True)


def test_an_example_of_each_provider_is_in_slacks_form() -> None:
    manifest = loaded(*(f"--provider={name}" for name in PROVIDERS), "--provider=google")
    jsonschema.validate(manifest, SCHEMA)
    providers = manifest["external_auth_providers"]["oauth2"]
    assert set(providers) == set(PROVIDERS)
    # Of the schema's two forms, the one for a provider that Slack doesn't know needs all of these.
    needed = {"client_id", "provider_name", "authorization_url", "token_url", "scope", "identity_config"}
    for provider in providers.values():
        assert provider["provider_type"] == "CUSTOM"
        assert needed <= set(provider["options"])


MCP = "https://api.githubcopilot.com/mcp/"


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_one_manifest_has_the_provider_its_mcp_server_and_extauths_own_parts(provider: str) -> None:
    manifest = loaded("--provider", provider, "--mcp-server", MCP)
    jsonschema.validate(manifest, SCHEMA)
    options = manifest["external_auth_providers"]["oauth2"][provider]["options"]
    (name,) = manifest["mcp_servers"]
    assert name == options["provider_name"]
    assert manifest["mcp_servers"][name] == {"url": MCP, "auth_type": "manual_auth", "auth_provider_key": provider}
    assert isinstance(options["use_pkce"], bool)
    assert isinstance(options["token_url_config"]["use_basic_auth_scheme"], bool)
    own = loaded()
    assert manifest["features"] == own["features"]
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert set(scopes) == {*own["oauth_config"]["scopes"]["bot"], "mcp:connect"}


@pytest.mark.parametrize("providers", [[], ["github", "google"]])
def test_an_mcp_server_belongs_to_one_provider(providers: list[str]) -> None:
    options = [f"--provider={provider}" for provider in providers]
    ran = CliRunner().invoke(main, ["manifest", "--mcp-server", MCP, *options])
    assert (ran.exit_code, "--mcp-server needs one --provider" in ran.stderr) == (2, True)


def test_the_command_can_have_another_name() -> None:
    manifest = loaded("--command", "/extauth-dev", "--url", "https://x.example/extauth")
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/extauth-dev"
    assert "With /extauth-dev, workspace admins" in manifest["display_information"]["long_description"]
    assert command["url"] == f"https://x.example/extauth{PATH}"
    jsonschema.validate(manifest, SCHEMA)
    ran = CliRunner().invoke(main, ["manifest", "--command", "Extauth"])
    assert (ran.exit_code, "must be a name such as /extauth-dev" in ran.stderr) == (2, True)


def test_json_says_the_same_as_yaml() -> None:
    text = printed("--json", "--provider", "github")
    assert json.loads(text) == loaded("--provider", "github")
    assert CliRunner().invoke(main, ["manifest", "--json", "--link"]).exit_code == 2
