"""`python -m bot manifest`: what Slack has to know of the app."""

import re

import click

from bot.cli.app_manifest import PROVIDERS, as_json, as_link, as_yaml
from bot.cli.help import Command
from bot.server.http import PATH

_URL = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w.~%/-]*)?", re.ASCII)


def _request_url(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """Return where Slack sends its requests, whether or not the path was given."""
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
    text = as_yaml(url, providers)
    if link:
        click.echo(as_link(text))
    else:
        click.echo(as_json(text) if in_json else text, nl=False)
