"""`extauth manifest`, which builds the app's manifest for Slack from the code's listeners and scopes.

The manifest is YAML, with a comment at each value that needs one. https://docs.slack.dev/reference/app-manifest
"""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import click
import yaml

from bot.cli.terminal import Command
from bot.environment import COMMAND, COMMAND_NAME
from bot.listeners import LISTENERS
from bot.listeners.menu import SHORTCUT
from bot.listeners.uninstalled import EVENTS
from bot.server.http import PATH
from bot.server.oauth_pages import REDIRECT_PATH
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES

_URL = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w.~%/-]*)?", re.ASCII)
_MCP_SCOPE = {"mcp:connect": "lets Slackbot use the app's MCP server"}
"""https://docs.slack.dev/ai/slackbot-mcp-client"""
_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="
"""Slack's page that creates an app: https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests"""

_DISPLAY = """\
# The app, as Slack is told: https://docs.slack.dev/reference/app-manifest
# `extauth manifest` prints it. Create it at https://api.slack.com/apps > Create New App > From a manifest.
_metadata:
  major_version: 1
  minor_version: 1
display_information:
  name: Extauth
  description: Fetch, list, and delete the tokens Slack keeps for connected accounts
  background_color: "#2b3a55"
  long_description: >-
    Slack keeps OAuth tokens for third-party services on behalf of apps. With {command}, workspace admins and anyone
    else you allow can fetch such a token, refresh it, or delete tokens from Slack. Every answer is private to the
    person who asked, every error is explained in plain words, and a token is only shown in full in a modal.
"""

PROVIDERS: Mapping[str, str] = {
    "atlassian": """\
      provider_type: CUSTOM
      options:
        provider_name: Atlassian
        client_id: YOUR-CLIENT-ID # https://developer.atlassian.com/console/myapps/
        authorization_url: https://auth.atlassian.com/authorize
        token_url: https://auth.atlassian.com/oauth/token
        scope:
          - read:me # whose account it is
          - offline_access # without it, Atlassian gives no refresh token
          - read:jira-work # what the app does
        authorization_url_extras:
          audience: api.atlassian.com
          prompt: consent
        identity_config:
          url: https://api.atlassian.com/me
          account_identifier: $.email
        use_pkce: false
        token_url_config:
          use_basic_auth_scheme: false
""",
    "generic": """\
      provider_type: CUSTOM
      options:
        provider_name: YOUR-PROVIDER
        client_id: YOUR-CLIENT-ID
        authorization_url: https://provider.example/oauth/authorize
        token_url: https://provider.example/oauth/token
        scope:
          - YOUR-SCOPE # whose account it is, and what the app does
        identity_config:
          url: https://provider.example/userinfo # answers with JSON to the token in a header
          account_identifier: $.email # where in it the account's name is
        use_pkce: false # true if the provider requires PKCE
        token_url_config:
          use_basic_auth_scheme: false # true if the client secret goes into an Authorization header
""",
    "google": """\
      provider_type: CUSTOM
      options:
        provider_name: Google
        client_id: YOUR-CLIENT-ID.apps.googleusercontent.com # https://console.cloud.google.com/apis/credentials
        authorization_url: https://accounts.google.com/o/oauth2/auth
        token_url: https://oauth2.googleapis.com/token
        scope:
          - https://www.googleapis.com/auth/userinfo.email # whose account it is
          - https://www.googleapis.com/auth/spreadsheets.readonly # what the app does
        authorization_url_extras: # without these, Google gives no refresh token
          access_type: offline
          prompt: consent
        identity_config:
          url: https://www.googleapis.com/oauth2/v1/userinfo
          account_identifier: $.email
        use_pkce: false
        token_url_config:
          use_basic_auth_scheme: false
""",
    "github": """\
      provider_type: CUSTOM
      options:
        provider_name: GitHub
        client_id: YOUR-CLIENT-ID # https://github.com/settings/developers
        authorization_url: https://github.com/login/oauth/authorize
        token_url: https://github.com/login/oauth/access_token
        scope:
          - read:user # whose account it is
          - repo # what the app does
        identity_config:
          url: https://api.github.com/user
          account_identifier: $.login
        use_pkce: false
        token_url_config:
          use_basic_auth_scheme: false
""",
    "linear": """\
      provider_type: CUSTOM
      options:
        provider_name: Linear
        client_id: YOUR-CLIENT-ID # https://linear.app/settings/api/applications/new
        authorization_url: https://linear.app/oauth/authorize
        token_url: https://api.linear.app/oauth/token
        scope:
          - read # whose account it is, and what the app does
        identity_config:
          url: https://api.linear.app/graphql?query=%7Bviewer%7Bemail%7D%7D
          account_identifier: $.data.viewer.email
          headers:
            Content-Type: application/json
        use_pkce: false
        token_url_config:
          use_basic_auth_scheme: false
""",
    "notion": """\
      provider_type: CUSTOM
      options:
        provider_name: Notion
        client_id: YOUR-CLIENT-ID # https://www.notion.so/profile/integrations
        authorization_url: https://api.notion.com/v1/oauth/authorize
        token_url: https://api.notion.com/v1/oauth/token
        scope: [] # Notion asks people for pages instead
        authorization_url_extras:
          owner: user
        identity_config:
          url: https://api.notion.com/v1/users/me
          account_identifier: $.bot.owner.user.person.email
          headers:
            Notion-Version: "2022-06-28"
        use_pkce: false
        token_url_config:
          use_basic_auth_scheme: true
""",
    "salesforce": """\
      provider_type: CUSTOM
      options:
        provider_name: Salesforce
        client_id: YOUR-CONSUMER-KEY # the connected app's, under App Manager in Salesforce's setup
        authorization_url: https://login.salesforce.com/services/oauth2/authorize
        token_url: https://login.salesforce.com/services/oauth2/token
        scope:
          - openid # whose account it is
          - refresh_token
          - api # what the app does
        identity_config:
          url: https://login.salesforce.com/services/oauth2/userinfo
          account_identifier: $.preferred_username
        use_pkce: true
        token_url_config:
          use_basic_auth_scheme: false
""",
}
"""Providers that people can connect accounts of, by provider key. The values are from the providers' documentation."""


def _request_url(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """Add the path of Slack's requests to a URL that lacks it."""
    return None if url is None else _https_url(context, parameter, url).rstrip("/").removesuffix(PATH) + PATH


def _https_url(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    if url is not None and not _URL.fullmatch(url):
        raise click.BadParameter("must be a URL such as https://extauth.example.com.")
    return url


def _command_name(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not COMMAND_NAME.fullmatch(name):
        raise click.BadParameter("must be a name such as /extauth-dev: lowercase letters, digits, - and _.")
    return name


@click.command(
    cls=Command,
    examples=[
        "> manifest.yml",
        "--url https://extauth.example.com",
        "--provider notion --mcp-server https://mcp.notion.com/mcp",
        "--provider google --json",
        "--command /extauth-dev --link",
    ],
)
@click.option(
    "--url",
    metavar="URL",
    callback=_request_url,
    help="Where Slack reaches Extauth over HTTP. Without it, the manifest is for Socket Mode.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    type=click.Choice(sorted(PROVIDERS)),
    help="Add a provider that people can connect accounts of. Can be repeated.",
)
@click.option(
    "--mcp-server",
    metavar="URL",
    callback=_https_url,
    help="Add an MCP server for Slackbot, whose users connect accounts of the provider.",
)
@click.option(
    "--command",
    metavar="NAME",
    default=COMMAND,
    callback=_command_name,
    help="The slash command. Set EXTAUTH_COMMAND to the same name.",
)
@click.option("--json", "in_json", is_flag=True, help="Print JSON instead of YAML.")
@click.option("--link", is_flag=True, help="Print a link that creates the app.")
def manifest(
    url: str | None, providers: tuple[str, ...], mcp_server: str | None, command: str, in_json: bool, link: bool
) -> None:
    """Print the app's manifest for Slack.

    Paste it at https://api.slack.com/apps under Create New App → From a manifest, or into the settings of your app
    under App Manifest. Of the settings, only EXTAUTH_COMMAND is read.
    """
    if in_json and link:
        raise click.UsageError("Choose one of --json and --link.")
    keys = list(dict.fromkeys(providers))
    if mcp_server is not None and len(keys) != 1:
        raise click.UsageError("--mcp-server needs one --provider, whose accounts its users connect.")
    scopes = {**REQUIRED_SCOPES, **OPTIONAL_SCOPES, **(_MCP_SCOPE if mcp_server is not None else {})}
    text = _DISPLAY.format(command=command) + _features(url, command) + _settings(url, scopes) + _external_auth(keys)
    if mcp_server is not None:
        text += _mcp_server(mcp_server, keys[0])
    if link:
        click.echo(_CREATE + quote(text, safe=""))
    elif in_json:
        click.echo(json.dumps(yaml.safe_load(text), indent=2, ensure_ascii=False))
    else:
        click.echo(text, nl=False)


def _features(url: str | None, command: str) -> str:
    request_url = "" if url is None else f"\n      url: {url}"
    # The hint must be short, so it has only the main usage of each subcommand, without options that take a value.
    usages = [listener.subcommand.usage.removeprefix(f"{COMMAND} ") for listener in LISTENERS]
    hint = " | ".join(re.sub(r" \[[^]]*[A-Z][^]]*]", "", usage).split(" | ")[0] for usage in usages)
    return f"""\
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: Extauth
    always_online: true
  shortcuts:
    - name: External tokens
      type: global
      callback_id: {SHORTCUT}
      description: Fetch or delete external tokens
  slash_commands:
    - command: {command}{request_url}
      description: Fetch or delete external tokens
      usage_hint: "{hint}"
      should_escape: true # @name arrives as a user ID
"""


def _list(scopes: Mapping[str, str]) -> str:
    return "\n".join(f"      - {scope} # {purpose}".removesuffix(" # ") for scope, purpose in scopes.items())


def _settings(url: str | None, scopes: Mapping[str, str]) -> str:
    redirects = request_url = pickers = ""
    if url is not None:
        redirect_url = url.removesuffix(PATH) + REDIRECT_PATH
        redirects = f"\n  redirect_urls:\n    - {redirect_url} # for many workspaces: where people come back to"
        request_url = f"\n    request_url: {url}"
        pickers = f"\n    message_menu_options_url: {url} # the pickers in the forms"
    return f"""\
oauth_config:{redirects}
  scopes:
    bot:
{_list(scopes)}
    bot_optional: # of these, what can be left out when the app is installed
{_list(dict.fromkeys(OPTIONAL_SCOPES, ""))}
settings:
  event_subscriptions:{request_url}
    bot_events:
      - app_home_opened # redraws the App Home
{_list(EVENTS)}
  interactivity:
    is_enabled: true{request_url}{pickers}
  org_deploy_enabled: false
  socket_mode_enabled: {"true" if url is None else "false"}
  token_rotation_enabled: false
"""


def _external_auth(keys: Iterable[str]) -> str:
    examples = "".join(f"    {key}:\n{PROVIDERS[key]}" for key in keys)
    if not examples:
        return ""
    return f"""\
# At the provider, the redirect URL is https://oauth2.slack.com/external/auth/callback
# Give Slack the client secret with `slack external-auth add-secret`: it has no place in a manifest.
external_auth_providers:
  oauth2:
{examples}"""


def _mcp_server(url: str, provider: str) -> str:
    name = yaml.safe_load(PROVIDERS[provider])["options"]["provider_name"]
    return f"""\
# Slackbot asks people to connect an account when they first use it.
mcp_servers:
  {name}:
    url: {url}
    auth_type: manual_auth
    auth_provider_key: {provider}
"""
