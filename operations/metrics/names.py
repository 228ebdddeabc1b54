"""Every metric: its name, type, labels and help. The reference page is written from this table."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Description:
    """One metric."""

    name: str
    """As in queries; a histogram's without `_bucket`, `_sum` and `_count`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    def gauge(self) -> GaugeMetricFamily:
        """Make its family."""
        return GaugeMetricFamily(self.name, self.help, labels=self.labels)

    def counter(self) -> CounterMetricFamily:
        """Make its family."""
        return CounterMetricFamily(self.name, self.help, labels=self.labels)

    def histogram(self) -> HistogramMetricFamily:
        """Make its family."""
        return HistogramMetricFamily(self.name, self.help, labels=self.labels)

    def single(self, value: float) -> Metric:
        """Make the family of a metric without labels."""
        family = self.counter() if self.kind == "counter" else self.gauge()
        family.add_metric([], value)
        return family


_FOLDS = (
    'campaign "(closed)" adds up finished campaigns and cancelled ones without open lines, '
    '"(other)" the open ones beyond the first 12'
)

LINES = Description(
    "issuance_lines",
    "gauge",
    f"Lines by state, as `issuance status`; {_FOLDS}.",
    ("campaign", "state"),
)
UNITS = Description("issuance_units", "gauge", f"Issued units; {_FOLDS}.", ("campaign",))
POINTS = Description("issuance_points", "gauge", f"Redeemed points; {_FOLDS}.", ("campaign",))
LINES_ACCEPTED = Description(
    "issuance_lines_accepted_total", "counter", "Lines accepted, of all campaigns."
)
UNITS_ISSUED = Description(
    "issuance_units_issued_total", "counter", "Units issued, of all campaigns."
)
POINTS_REDEEMED = Description(
    "issuance_points_redeemed_total", "counter", "Points redeemed, of all campaigns."
)
CAMPAIGNS = Description("issuance_campaigns", "gauge", "Campaigns by state.", ("state",))
CAMPAIGN_STOPPED = Description(
    "issuance_campaign_stopped_seconds",
    "gauge",
    "How long a campaign with open lines has been stopped, and why: paused by an operator, "
    "stopped (it, or one of its rewards) by its stop-loss, its canary or its budget, or suspended "
    "because its calls fail. None of its own when nothing is stopped.",
    ("campaign", "cause"),
)
BACKLOG = Description(
    "issuance_backlog_lines",
    "gauge",
    "Lines of running campaigns that wait to be released, due or not.",
    ("lane",),
)
OLDEST_DUE = Description(
    "issuance_oldest_due_seconds",
    "gauge",
    "How long the first job of running campaigns has been due within their windows, queued and "
    "claimed ones included; 0 when none is due.",
    ("lane",),
)
ATTEMPTS = Description(
    "issuance_attempts_total",
    "counter",
    "Calls by result and code; http_STATUS where the answer has no code, none without an answer.",
    ("kind", "code"),
)
RETRIES = Description("issuance_retries_total", "counter", "Calls for jobs that had been called.")
CALL_DURATION = Description(
    "issuance_call_duration_seconds", "histogram", "How long calls to the API took."
)
SETTLEMENT = Description(
    "issuance_settlement_seconds",
    "histogram",
    "From a job's acceptance to the end of the call that settled it.",
)
LAST_ATTEMPT = Description(
    "issuance_last_attempt_seconds",
    "gauge",
    "How long ago the newest recorded call began; absent before the first.",
)
ATTEMPTS_COMPLETE = Description(
    "issuance_attempts_complete",
    "gauge",
    "1 when all attempts are counted; 0 while the history is read after a start, in which time "
    "the metrics of attempts are absent.",
)
DEAD_LETTERS = Description(
    "issuance_dead_letters",
    "gauge",
    "Open dead letters by reason and by age since they were opened.",
    ("reason", "age"),
)
DEAD_LETTER_OLDEST = Description(
    "issuance_dead_letter_oldest_seconds",
    "gauge",
    "Age of the oldest open dead letter of each reason; absent for reasons without one.",
    ("reason",),
)
ACCOUNT_RATE = Description(
    "issuance_account_rate_calls_per_second",
    "gauge",
    "The account's rate in force; +Inf: unlimited.",
    ("account",),
)
ACCOUNT_LIMIT = Description(
    "issuance_account_limit_calls_per_second",
    "gauge",
    "Calls that may be made while the account is available: the adaptive limit, or else the rate.",
    ("account",),
)
ACCOUNT_STATE = Description(
    "issuance_account_state",
    "gauge",
    "1 for the state in which calls, or reads, of the account are; 0 for the others.",
    ("account", "scope", "state"),
)
ACCOUNT_SUSPENDED = Description(
    "issuance_account_suspended_seconds",
    "gauge",
    "How long calls, or reads, of the account have been suspended or probing; 0 when available.",
    ("account", "scope"),
)
ACCOUNT_SUSPENDED_CAMPAIGNS = Description(
    "issuance_account_suspended_campaigns",
    "gauge",
    "Campaigns of the account that are suspended because their calls fail.",
    ("account",),
)
ACCOUNT_SLOTS = Description(
    "issuance_account_slots_used_ratio",
    "gauge",
    "Share of the last second's call slots that is used: 1 when the rate is used up, 0 when idle; "
    "absent without a rate.",
    ("account",),
)
HEARTBEAT = Description(
    "issuance_heartbeat_age_seconds",
    "gauge",
    "Time since the release made a round, and since beat ticked; absent before the first.",
    ("process",),
)
PROCESSES = Description(
    "issuance_processes",
    "gauge",
    "Worker processes that reported within 150 s (running), and those that were started in the "
    "last hour, neither stopped nor heard of since (missing).",
    ("process", "state"),
)
REACHABLE = Description(
    "issuance_reachable",
    "gauge",
    "Whether the server answers this process: 1 or 0. /metrics?only=reachability never fails.",
    ("server",),
)
BUILD = Description(
    "issuance_build_info",
    "gauge",
    "Always 1; the version of the program, of Python and of the schema, and the servers' kinds.",
    ("version", "python", "schema", "ledger", "broker"),
)
SOURCE_DURATION = Description(
    "issuance_scrape_source_seconds",
    "gauge",
    "How long this scrape read each source.",
    ("source",),
)

DESCRIPTIONS = tuple(each for each in list(globals().values()) if isinstance(each, Description))
