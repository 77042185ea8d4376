"""The dashboard, the alerts, and their page name only what the bot really tells."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml

from bot import explanations
from bot.metrics import METRICS, OTHER, Kind, Metric
from bot.observers import OPERATIONS, OUTCOMES
from bot.server.rejections import REASONS
from bot.server.socket_connection import DisconnectReason
from bot.slack.calls import METHODS, OURS, REFUSALS, RESPONSE_URL
from tests.bot_process import ROOT

FOLDER = ROOT / "docs" / "operating"
PAGE = (FOLDER / "monitoring.md").read_text()
BUILT_IN = {"up": set[str](), "process_resident_memory_bytes": set[str](), "process_open_fds": set[str]()}
TARGET_LABELS = {"job", "instance"}
FUNCTIONS = {"sum", "min", "max", "rate", "increase", "histogram_quantile", "time", "min_over_time"}
WORDS = {"by", "and", "or", "unless", "le"}
VALUES = {
    "operation": OPERATIONS,
    "outcome": OUTCOMES,
    "method": METHODS | {RESPONSE_URL},
    "code": explanations.KNOWN_CODES | OURS | REFUSALS,
    "reason": REASONS | frozenset(DisconnectReason),
    "check": {"database", "slack", "clock", "receiver"},
}
TOKEN = re.compile(
    r"""\s+|(?P<string>"[^"\\]*")|(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<operator>=~|!~|!=|==|>=|<=|[=<>+\-*/,])|(?P<bracket>[(){}])|(?P<name>[a-zA-Z_]\w*)"""
)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    return loaded


def expressions() -> list[str]:
    targets = [target for panel in dashboard()["panels"] for target in panel["targets"]]
    return [*(rule["expr"] for rule in alerts()), *(target["expr"] for target in targets)]


def series() -> dict[str, set[str]]:
    """Every name that can be queried, with its labels."""
    found = dict(BUILT_IN)
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            found[f"{metric.name}_bucket"] = {*metric.labels, "le"}
            found[f"{metric.name}_sum"] = found[f"{metric.name}_count"] = set(metric.labels)
        else:
            found[metric.name] = set(metric.labels)
    return found


def tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        assert match is not None, f"not PromQL: {expression[at:]}"
        at = match.end()
        if match.lastgroup is not None:
            yield match.lastgroup, match[0]


def check(expression: str) -> None:
    """Fail where an expression isn't balanced, or names a metric, a label, or a value that there isn't."""
    open_brackets: list[str] = []
    known = series()
    labels: set[str] = set()
    read = [*tokens(expression), ("end", "")]
    named = {text for kind, text in read if kind == "name" and text in known}
    assert named, f"no metric in {expression}"
    allowed = set[str]().union(*(known[name] for name in named)) | TARGET_LABELS
    for (kind, text), (_, following) in pairwise(read):
        if kind == "bracket" and text in "({":
            open_brackets.append(text)
        elif kind == "bracket":
            assert open_brackets.pop() + text in ("()", "{}"), expression
        elif kind == "name" and text not in known and text not in WORDS:
            if following in ("(", "by"):
                assert text in FUNCTIONS, text
            else:
                assert text in allowed, f"{text} isn't a label of {named}"
                labels.add(text)
    assert open_brackets == [], expression
    for label, values in re.findall(r'(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"', expression):
        assert label in TARGET_LABELS or set(values.split("|")) <= VALUES[label], (label, values)


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_names_only_what_the_bot_tells(expression: str) -> None:
    check(expression)


@pytest.mark.parametrize(
    "wrong",
    [
        "sum(extauth_commands_total",
        "extauth_command_total > 0",
        "sum by (user) (extauth_commands_total)",
        'extauth_commands_total{outcome="stolen"}',
        "extauth_acknowledge_seconds > 1",
        "summ(extauth_commands_total)",
        "extauth_commands_total[5x]",
        "extauth_commands_total ; 1",
    ],
)
def test_what_is_wrong_is_noticed(wrong: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        check(wrong)


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    assert [metric.name for metric in METRICS if metric.name not in shown] == []


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_every_alert_has_a_summary_a_severity_and_advice_on_the_page() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))
    assert re.findall(r"^\| `(Extauth\w+)` \|", PAGE, re.MULTILINE) == names
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"]["summary"]


def row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help.removesuffix('.')} |"


def test_the_page_has_every_metric_as_the_code_describes_it() -> None:
    table = "\n".join(row(metric) for metric in METRICS)
    assert table in PAGE, f"Put this into docs/operating/monitoring.md:\n{table}"
    assert OTHER in PAGE
