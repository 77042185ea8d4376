"""Prometheus metrics of the process, with their names, labels, and descriptions.

A label's value is a predefined word or "other", so that no ID or other text from a person or from Slack appears.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

OTHER = "other"
"""The label's value for any word that isn't predefined."""


class Kind(Enum):
    """The kinds of metrics. https://prometheus.io/docs/concepts/metric_types/"""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric, with its name in queries. `buckets`, in seconds, apply only to histograms."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_ANSWERED = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
_WAITED = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)

COMMANDS = Metric(
    "extauth_commands_total", Kind.COUNTER, "Requests that people made, by how they ended.", ("operation", "outcome")
)
ACKNOWLEDGED = Metric(
    "extauth_acknowledge_seconds",
    Kind.HISTOGRAM,
    "From when a request of Slack's came to its acknowledgement. Slack waits three seconds.",
    buckets=_ACKNOWLEDGED,
)
ANSWERED = Metric(
    "extauth_answer_seconds",
    Kind.HISTOGRAM,
    "From when an interaction came to the end of its work, which is the answer. Waits for Slack's limits count.",
    buckets=_ANSWERED,
)
SLACK_CALLS = Metric(
    "extauth_slack_calls_total",
    Kind.COUNTER,
    "Answers to requests to Slack, by Slack's code or what went wrong on the way.",
    ("method", "code"),
)
RATE_LIMIT_WAITS = Metric(
    "extauth_rate_limit_wait_seconds",
    Kind.HISTOGRAM,
    "How long requests were held back because of Slack's limits.",
    ("method",),
    _WAITED,
)
SOCKETS = Metric("extauth_socket_connections", Kind.GAUGE, "Socket Mode connections that are open.")
SOCKETS_OPENED = Metric("extauth_socket_opened_total", Kind.COUNTER, "Socket Mode connections that were opened.")
SOCKETS_ENDED = Metric(
    "extauth_socket_ended_total",
    Kind.COUNTER,
    "Socket Mode connections that ended or were told to, by reason. Each is followed by a reconnect.",
    ("reason",),
)
SOCKETS_REFUSED = Metric(
    "extauth_socket_refused_total", Kind.COUNTER, "Socket Mode connections that couldn't be opened.", ("reason",)
)
SOCKETS_ELSEWHERE = Metric(
    "extauth_socket_connections_elsewhere",
    Kind.GAUGE,
    "Socket Mode connections of the app that no process of this database opens. Part of the commands goes there.",
)
TASKS = Metric("extauth_tasks_in_flight", Kind.GAUGE, "Interactions that are being worked on or wait for it.")
REJECTED = Metric(
    "extauth_rejected_requests_total",
    Kind.COUNTER,
    "Requests and envelopes that were turned away before anything looked at what they ask for.",
    ("reason",),
)
READY = Metric("extauth_ready", Kind.GAUGE, "Whether a check of /health/ready passes: 1 or 0.", ("check",))
AUDIT_ENTRIES = Metric("extauth_audit_log_entries", Kind.GAUGE, "Entries in the audit log.")
AUDIT_VERIFIED = Metric(
    "extauth_audit_log_verified_timestamp_seconds",
    Kind.GAUGE,
    "When `audit verify` last checked the audit log, in Unix time; 0 if never.",
)
AUDIT_ALTERED = Metric(
    "extauth_audit_log_altered", Kind.GAUGE, "Whether that check found that the audit log was altered: 1 or 0."
)

METRICS = tuple(value for value in vars().values() if isinstance(value, Metric))


class Metrics(dict[Metric, Any]):
    """The metrics of this process, as prometheus_client's objects by metric.

    Only this class imports prometheus_client, because most commands don't need it.
    """

    def __init__(self) -> None:
        import prometheus_client as client  # noqa: PLC0415

        client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = client.CollectorRegistry()
        client.ProcessCollector(registry=self._registry)
        kinds = {Kind.COUNTER: client.Counter, Kind.GAUGE: client.Gauge, Kind.HISTOGRAM: client.Histogram}
        for metric in METRICS:
            buckets = {"buckets": metric.buckets} if metric.buckets else {}
            self[metric] = kinds[metric.kind](
                metric.name, metric.help, metric.labels, registry=self._registry, **buckets
            )

    def scrape(self) -> str:
        """Return all metrics in Prometheus's text format."""
        from prometheus_client import generate_latest  # noqa: PLC0415

        return generate_latest(self._registry).decode()
