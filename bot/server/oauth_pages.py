"""The pages for a person who installs the app. Everything that comes from outside is escaped."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from bot.app import INSTALL_PATH
from bot.environment import COMMAND
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES

START_PATH = "/slack/install/start"
REDIRECT_PATH = "/slack/oauth_redirect"

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1d1c1d;background:#fff;max-width:40rem;margin:4rem auto;"
    "padding:0 1.5rem}h1{font-size:1.75rem;line-height:1.2}dt{font-family:ui-monospace,monospace;margin-top:.75rem}"
    "dd{margin:0;color:#454447}a{color:#0b57a4}.button{display:inline-block;margin:1rem 0;padding:.75rem 1.5rem;"
    "border-radius:.25rem;background:#4a154b;color:#fff;font-weight:700;text-decoration:none}"
    ".button:focus-visible{outline:3px solid #0b57a4;outline-offset:2px}code{font-family:ui-monospace,monospace}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of every page. They prevent loading, caching, framing, and sending the address to other sites."""
_AGAIN = f'<p><a class="button" href="{INSTALL_PATH}">Start again</a></p>'
_OF_SLACK = "https://docs.slack.dev/reference/methods/oauth.v2.access#errors"


_SCOPES = {**REQUIRED_SCOPES, **{name: f"{purpose} (optional)" for name, purpose in OPTIONAL_SCOPES.items()}}


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'  # otherwise browsers request /favicon.ico
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )


INSTALL = _page(
    "Add Extauth to Slack",
    f"<p>With <code>{COMMAND}</code>, workspace admins and anyone else they allow can fetch, test, and delete the "
    "tokens that Slack keeps for connected accounts.</p>"
    f'<p><a class="button" href="{START_PATH}">Add to Slack</a></p>'
    "<h2>What Slack will ask you to allow</h2><dl>"
    + "".join(f"<dt>{escape(name)}</dt><dd>{escape(purpose)}</dd>" for name, purpose in _SCOPES.items())
    + "</dl>",
)
CANCELED = _page("Extauth wasn't installed", f"<p>You canceled, so nothing changed.</p>{_AGAIN}")
"""The page after Slack's *Cancel*."""
OTHER_BROWSER = _page(
    "This installation began somewhere else",
    "<p>Nothing was installed. An installation has to end in the browser it began in, with cookies allowed, and "
    f"only the newest tab counts.</p>{_AGAIN}",
)
"""The page for a state that belongs to another browser, or to none."""
USED = _page(
    "This installation link was used or is too old",
    f"<p>A link is good once, for 10 minutes.</p>{_AGAIN}",
)
"""The page for a state that was used or is too old."""
UNREACHABLE = _page("Slack can't be reached", f"<p>Nothing was installed. Wait a minute, then start again.</p>{_AGAIN}")
BUSY = _page(
    "Too many installations at once", f"<p>Nothing was installed. Wait a minute, then start again.</p>{_AGAIN}"
)
NOT_KEPT = _page(
    "Extauth can't save the installation",
    "<p>Its database doesn't work now. Wait a few minutes, then start again. If this keeps happening, tell the "
    f"team that runs Extauth.</p>{_AGAIN}",
)


def done_page(link: str) -> str:
    """Return the page with the next steps. `link` leads into Slack."""
    return _installed(f'<p><a class="button" href="{escape(link)}">Open Extauth in Slack</a></p>')


def _installed(button: str) -> str:
    return _page(
        "Extauth is installed",
        f"<ol><li>In any channel, type <code>{COMMAND} help</code>: it says what you can do.</li>"
        "<li>Workspace admins can fetch and delete tokens. Nobody else can until an admin allows it.</li></ol>"
        + button,
    )


INSTALLED = _installed("")
"""The page for a browser that comes back with the state of a completed installation, such as after a reload."""


def refused_page(code: str) -> str:
    """Return the page for an installation that failed, with the error's code."""
    return _page(
        "Slack didn't finish the installation",
        "<p>Nothing was installed. Start again. If this keeps happening, send this code to the team that runs Extauth: "
        f'<code>{escape(code)}</code> (<a href="{_OF_SLACK}">what Slack\'s codes mean</a>).</p>{_AGAIN}',
    )
