"""Which act each exchange belongs to, what is masked, and the curl commands."""

import json
import subprocess
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.sandbox.page.curl import as_curl
from bot.sandbox.page.traffic import MASK, Grouping, Traffic, masked_parts, title
from bot.sandbox.slack.state import Exchange, State
from tests.manual_clock import ManualClock

COMMAND = {"command": "/extauth", "text": "get Et1", "user_id": "U0ADMIN"}


class Passing:
    """Exchanges as they pass, numbered."""

    def __init__(self) -> None:
        self.grouping = Grouping()
        self.count = 0

    def act(self, kind: str, body: Any, **more: Any) -> int:
        return self._add("slack", kind, body, **more)

    def call(self, kind: str, body: Any, **more: Any) -> int:
        return self._add("bot", kind, body, **more)

    def _add(self, direction: str, kind: str, body: Any, **more: Any) -> int:
        self.count += 1
        return self.grouping.group_of(Exchange(self.count, 0.0, direction, kind, body, **more))


def test_slacks_own_ids_lead_from_one_exchange_to_the_next() -> None:
    passing = Passing()
    url = "http://127.0.0.1:1/commands/T/1/abc"
    first = passing.act("slash_commands", {**COMMAND, "trigger_id": "t1", "response_url": url})
    second = passing.act("slash_commands", {**COMMAND, "trigger_id": "t2", "response_url": url + "2"})
    assert (first, second) == (1, 2)

    assert passing.call("views.open", {"trigger_id": "t1", "view": {"title": "x"}}) == first
    opened = json.dumps({"ok": True, "view": {"id": "V9"}})
    assert passing.act("answer to views.open", opened, answers=3) == first
    assert passing.call("views.update", {"view_id": "V9"}) == first
    assert passing.call("response_url", {"text": "x"}, path="/commands/T/1/abc2") == second
    assert passing.call("acknowledgement", {}, answers=2) == second


def test_a_modal_answers_at_the_url_of_what_opened_it() -> None:
    passing = Passing()
    path = "/actions/T0/7/abcdef"
    pressed = passing.act("interactive", {"type": "block_actions", "response_url": f"http://127.0.0.1:1{path}"})
    assert passing.call("response_url", {"text": "working"}, path=path) == pressed
    metadata = json.dumps({"url": f"http://127.0.0.1:1{path}"})
    submitted = passing.act("interactive", {"type": "view_submission", "view": {"private_metadata": metadata}})
    assert passing.call("response_url", {"text": "deleted"}, path=path) == submitted


def test_other_calls_go_to_the_newest_act_with_the_most_of_the_same_words() -> None:
    passing = Passing()
    ada = passing.act("slash_commands", {**COMMAND, "text": "get EtGoogle0001"})
    max_ = passing.act("slash_commands", {**COMMAND, "text": "get EtGitHub0001", "user_id": "U0MEMBER"})
    assert passing.call("users.info", {"user": "U0ADMIN"}) == ada
    assert passing.call("apps.auth.external.get", {"external_token_id": "EtGitHub0001"}) == max_
    assert passing.call("chat.postMessage", {"text": "<@U0ADMIN> · get `EtGoogle0001` · fetched"}) == ada
    again = passing.act("slash_commands", {**COMMAND, "text": "get EtGoogle0001"})
    assert passing.call("apps.auth.external.get", {"external_token_id": "EtGoogle0001"}) == again


def test_calls_without_an_act_are_a_group_of_their_own() -> None:
    passing = Passing()
    assert passing.call("auth.test", {}) == 0
    assert passing.act("answer to auth.test", '{"ok": true}', answers=1) == 0
    assert passing.call("chat.postMessage", {"text": "extauth-checkpoint"}) == 0
    passing.act("slash_commands", COMMAND)
    assert passing.call("auth.test", {}) == 0


def test_a_group_is_called_by_what_was_done() -> None:
    def named(kind: str, body: Any) -> str:
        return title(Exchange(1, 0.0, "slack", kind, body))

    assert named("slash_commands", {"command": "/extauth", "text": "get &lt;x&gt; &amp; y"}) == "/extauth get <x> & y"
    assert named("slash_commands", {"command": "/extauth", "text": ""}) == "/extauth"
    assert named("events_api", {}) == "App Home opened"
    submitted = {"type": "view_submission", "view": {"title": {"text": "Get"}}}
    assert named("interactive", submitted) == "Submitted “Get”"
    pressed = {"type": "block_actions", "actions": [{"action_id": "a", "text": {"text": "Show"}}]}
    assert named("interactive", pressed) == "Pressed “Show”"
    chosen = {"type": "block_actions", "actions": [{"action_id": "a", "selected_option": {"text": {"text": "Get"}}}]}
    assert named("interactive", chosen) == "Chose “Get”"
    assert named("interactive", {"type": "shortcut"}) == "Shortcut chosen"


@given(st.text(min_size=8, max_size=40), st.sampled_from([0, 1, 2]))
def test_a_secret_is_masked_however_json_writes_it(secret: str, times: int) -> None:
    state = State(SystemClock())
    state.secrets.add(secret)
    for ascii_only in (True, False):
        body: Any = f"<{secret}>"
        for _ in range(times):
            body = json.dumps({"a": body}, ensure_ascii=ascii_only)
        parts = masked_parts(state, body)
        assert (MASK, True) in parts
        assert all(secret not in part for part, _ in parts)


def test_credentials_and_response_urls_are_masked() -> None:
    state = State(SystemClock())
    url = "http://127.0.0.1:4000" + state.new_response_url("commands", "U1", "C1")
    text = json.dumps({"a": state.bot_token, "b": state.app_token, "c": state.signing_secret, "url": url, "d": "open"})
    parts = masked_parts(state, text)
    assert [part for part, is_masked in parts if is_masked] == [MASK] * 4
    shown = "".join(part for part, _ in parts)
    assert '"d": "open"' in shown
    assert url not in shown


def test_a_tab_is_told_everything_once_and_again_after_a_reset() -> None:
    state = State(ManualClock())
    state.record("slack", "slash_commands", COMMAND)
    traffic = Traffic(state)
    assert [(one["group"], one["title"]) for one in traffic.new()] == [(1, "/extauth get Et1")]
    assert traffic.new() == []
    state.reset()
    state.record("bot", "users.info", {"user": "U0ADMIN"})
    assert [one["group"] for one in traffic.new()] == [0]


def test_a_long_body_is_cut() -> None:
    state = State(ManualClock())
    state.record("bot", "views.open", {"text": "x" * 100_000})
    (told,) = Traffic(state).new()
    assert 5_000 < sum(len(part) for part, _ in told["parts"]) < 7_000


def test_curl_sends_what_the_bot_sent() -> None:
    body = {"external_token_id": "Et'1 $HOME `x`", "force_refresh": True}
    arguments = _run(as_curl(Exchange(1, 0.0, "bot", "apps.auth.external.get", body), lambda text: [(text, False)]))
    assert arguments[0] == "https://slack.com/api/apps.auth.external.get"
    assert "Authorization: Bearer the-bots" in arguments
    assert json.loads(arguments[arguments.index("--data") + 1]) == body


def test_curl_sends_forms_as_forms_and_variables_for_secrets() -> None:
    call = Exchange(1, 0.0, "bot", "views.update", {"view_id": "V1", "view": {"text": "a-secret"}})
    state = State(ManualClock())
    state.secrets.add("a-secret")
    arguments = _run(as_curl(call, lambda text: masked_parts(state, text)))
    assert arguments[-3:] == ["view_id=V1", "--data-urlencode", 'view={"text":"the-token"}']

    answer = Exchange(1, 0.0, "bot", "response_url", {"text": "a"}, path="/commands/T/1/secret")
    assert _run(as_curl(answer, lambda text: [(text, False)]))[0] == "the-url"
    opening = Exchange(1, 0.0, "bot", "apps.connections.open", {})
    assert "Authorization: Bearer the-apps" in _run(as_curl(opening, lambda text: [(text, False)]))


def test_only_the_bots_requests_have_a_curl_command() -> None:
    for exchange in (
        Exchange(1, 0.0, "bot", "acknowledgement", {}),
        Exchange(1, 0.0, "slack", "slash_commands", COMMAND),
        Exchange(1, 0.0, "slack", "answer to users.info", "{}"),
    ):
        assert as_curl(exchange, lambda text: [(text, False)]) is None


def _run(command: str | None) -> list[str]:
    """The arguments that a shell gives to curl."""
    assert command is not None
    script = 'curl() { printf "%s\\0" "$@"; }\n' + command
    variables = {
        "SLACK_BOT_TOKEN": "the-bots",
        "SLACK_APP_TOKEN": "the-apps",
        "EXTERNAL_TOKEN": "the-token",
        "RESPONSE_URL": "the-url",
    }
    result = subprocess.run(["/bin/sh", "-c", script], env=variables, capture_output=True, text=True, check=True)
    return result.stdout.split("\0")[:-1]
