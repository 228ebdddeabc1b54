"""The page of the metrics, from the table that the collectors use."""

from operations.metrics.names import DESCRIPTIONS

_HEAD = """\
# Metrics

Written by `make reference` from `operations/metrics/names.py`; do not edit.

`issuance run health` answers `/metrics` on `ISSUANCE_HEALTH_HOST`:`ISSUANCE_HEALTH_PORT`
(127.0.0.1:5556), in Prometheus' text format or as OpenMetrics, as the request's `Accept` asks. Only
this machine may read it, and the networks in `ISSUANCE_METRICS_NETWORKS`; others get 403.

Each scrape reads the ledger in one transaction, and Redis. So the numbers are those of `issuance
status`, and a restart changes none. If a source cannot be read, the answer is 503 with the reason,
and no metric at all: an unknown number is never shown as 0. `/metrics?only=reachability` has only
`issuance_reachable`, and always answers: scrape it as a job of its own to learn which server is
away.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""
_TAIL = """
## What to know

* **Campaigns.** The 12 newest open campaigns have series of their own, running ones before paused
  ones. All others are added up: `campaign="(closed)"` and `campaign="(other)"`. A campaign that
  ends moves into the first, so one series falls and another rises; their sum does not change. For
  rates use the totals without a campaign, such as `issuance_units_issued_total`. A label has at
  most 64 characters of the name. `#` and the campaign's number follow where the name was cut or
  masked, or begins with a bracket.
* **Attempts** are those that the ledger has. After a start the whole history is read in the
  background, which takes minutes for ten million attempts. Until then `issuance_attempts_complete`
  is 0 and the metrics of attempts are absent, so no rate sees a false step. An attempt is in the
  next scrape after it was recorded. One that was recorded long after its call, by a worker that was
  frozen, is found within one round over the history: 200 scrapes for ten million attempts.
* **Dead letters** are counted exactly at each scrape. From 10,000 open ones on, their ages are up
  to a minute old.
* **Pruning** removes attempts from the ledger. The running process keeps them in its counters.
  After its next restart the metrics of attempts begin lower, which Prometheus takes as a reset.
  Lines, units and points are not affected: the ledger keeps their sums.
* **Restoring a backup** makes every counter fall to what the backup has.
* **Series.** At most 300 with one account, however many campaigns there are; each further account
  adds 12.
"""


def render() -> str:
    """Return the page."""
    rows = (
        f"| `{each.name}` | {each.kind} "
        f"| {', '.join(f'`{label}`' for label in each.labels) or 'none'} | {each.help} |\n"
        for each in DESCRIPTIONS
    )
    return _HEAD + "".join(rows) + _TAIL
