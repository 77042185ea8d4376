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
from bot.commands.subcommand import COMMAND
from bot.listeners import LISTENERS
from bot.listeners.menu import SHORTCUT
from bot.listeners.uninstalled import EVENTS
from bot.server.http import PATH
from bot.server.oauth_pages import REDIRECT_PATH
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES

_URL = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w.~%/-]*)?", re.ASCII)
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
    Slack keeps OAuth tokens for third-party services on behalf of apps. With /extauth, workspace admins and anyone else
    you allow can fetch such a token, refresh it, or delete tokens from Slack. Every answer is private to the person who
    asked, every error is explained in plain words, and a token is only shown in full in a modal.
"""

PROVIDERS: Mapping[str, str] = {
    "google": """\
      provider_type: CUSTOM
      options:
        provider_name: Google
        client_id: YOUR-CLIENT-ID.apps.googleusercontent.com # https://console.cloud.google.com/apis/credentials
        authorization_url: https://accounts.google.com/o/oauth2/auth
        token_url: https://oauth2.googleapis.com/token
        scope:
          - https://www.googleapis.com/auth/userinfo.email # whose account it is
          - https://www.googleapis.com/auth/spreadsheets.readonly # what your workflows do
        authorization_url_extras: # without these, Google gives no refresh token
          access_type: offline
          prompt: consent
        identity_config:
          url: https://www.googleapis.com/oauth2/v1/userinfo
          account_identifier: $.email
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
          - repo # what your workflows do
        identity_config:
          url: https://api.github.com/user
          account_identifier: $.login
""",
}
"""Example providers for the app's workflows, by provider key. The values are from the providers' documentation."""


def _request_url(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """Add the path of Slack's requests to a URL that lacks it."""
    if url is None:
        return None
    if not _URL.fullmatch(url):
        raise click.BadParameter("must be a URL such as https://extauth.example.com.")
    return url.rstrip("/").removesuffix(PATH) + PATH


@click.command(
    cls=Command,
    examples=["> manifest.yml", "--url https://extauth.example.com", "--provider google --json", "--link"],
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
    help="Add an example of a provider that people can connect. Can be repeated.",
)
@click.option("--json", "in_json", is_flag=True, help="Print JSON instead of YAML.")
@click.option("--link", is_flag=True, help="Print a link that creates the app.")
def manifest(url: str | None, providers: tuple[str, ...], in_json: bool, link: bool) -> None:
    """Print the app's manifest for Slack.

    Paste it at https://api.slack.com/apps under Create New App → From a manifest, or into the settings of your app
    under App Manifest. No setting is read.
    """
    if in_json and link:
        raise click.UsageError("Choose one of --json and --link.")
    text = _DISPLAY + _features(url) + _settings(url) + _external_auth(dict.fromkeys(providers))
    if link:
        click.echo(_CREATE + quote(text, safe=""))
    elif in_json:
        click.echo(json.dumps(yaml.safe_load(text), indent=2, ensure_ascii=False))
    else:
        click.echo(text, nl=False)


def _features(url: str | None) -> str:
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
    - command: {COMMAND}{request_url}
      description: Fetch or delete external tokens
      usage_hint: "{hint}"
      should_escape: true # @name arrives as a user ID
"""


def _list(scopes: Mapping[str, str]) -> str:
    return "\n".join(f"      - {scope} # {purpose}".removesuffix(" # ") for scope, purpose in scopes.items())


def _settings(url: str | None) -> str:
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
{_list(REQUIRED_SCOPES | OPTIONAL_SCOPES)}
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
