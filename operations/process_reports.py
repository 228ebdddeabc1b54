"""What running processes report of themselves: their version and the settings that they use.

The environment of a command may differ from theirs, so `status` shows what they say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import version
from ipaddress import IPv4Network
from types import NoneType
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from broker.nodes import Node
from config.settings import Settings
from operations.services import Services

_LONGEST = 10_000
_OF_ONE_PROCESS = ("flower_", "health_", "log_", "metrics_", "web_")
"""Settings that say nothing about the system's work."""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """One process's report."""

    node: str
    version: str = ""
    """"" if it is an older program, which reports nothing."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """By name, without secrets, logins and paths; a server as its host or kind."""


def write_report(services: Services) -> str:
    """Write this process's report; it holds no secret."""
    return json.dumps(
        {"version": version("reward-issuance"), "settings": shown_settings(services)},
        separators=(",", ":"),
    )


def shown_settings(services: Services) -> dict[str, Any]:
    """Return the settings in use that may be shown, as JSON has them.

    These are numbers, switches and choices. Texts may be secrets or logins.
    """
    names = {
        name
        for name, each in Settings.model_fields.items()
        if _may_be_shown(each.annotation) and not name.startswith(_OF_ONE_PROCESS)
    }
    servers = services.servers
    return services.settings.model_dump(mode="json", include=names) | {
        "api_host": urlsplit(servers.api_url).hostname or "",
        "api_rate_per_minute": servers.rate_per_minute,
        "ledger": servers.ledger_url.partition(":")[0].partition("+")[0],
        "broker": "rabbitmq" if servers.is_rabbitmq else "redis",
    }


def _may_be_shown(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return True
    if get_origin(annotation) is tuple:
        return IPv4Network not in get_args(get_args(annotation)[0])
    return isinstance(annotation, type) and issubclass(annotation, bool | int | float | Enum)


def read_reports(services: Services) -> list[ProcessReport]:
    """Return the reports of the processes that run, by node name; none without Redis."""
    found = services.nodes.reports() if services.servers.redis_url else {}
    return [_read(node, text) for node, text in sorted(found.items())]


def _read(node: str, text: str) -> ProcessReport:
    try:
        report = json.loads(text[:_LONGEST])
    except ValueError:
        report = None
    if not isinstance(report, dict) or not isinstance(report.get("settings"), dict):
        return ProcessReport(node)
    plain = (str, int, float, bool, list, NoneType)
    settings = {
        str(name): value for name, value in report["settings"].items() if isinstance(value, plain)
    }
    return ProcessReport(node, str(report.get("version", "")), settings)


@dataclass(frozen=True, slots=True)
class SettingInUse:
    """A setting that is worth showing: not the default, or not the same everywhere."""

    name: str
    """Its environment variable, or the name of what follows from several."""
    values: Mapping[str, tuple[str, ...]]
    """Each value in use, with the nodes that use it."""
    here: str | None
    """The value of this process if it differs; None if it is the same."""


def settings_in_use(reports: Sequence[ProcessReport], services: Services) -> list[SettingInUse]:
    """Return the settings of the running processes that are worth showing."""
    here = {name: _text(value) for name, value in shown_settings(services).items()}
    found = []
    for name, own in here.items():
        values: dict[str, list[str]] = {}
        for report in reports:
            if name in report.settings:
                values.setdefault(_text(report.settings[name]), []).append(report.node)
        if not values:
            continue
        default = _default(name)
        same_here = set(values) == {own}
        if same_here and own == default:
            continue
        variable = f"ISSUANCE_{name.upper()}" if name in Settings.model_fields else name
        users = {value: tuple(nodes) for value, nodes in values.items()}
        found.append(SettingInUse(variable, users, None if same_here else own))
    return found


def _default(name: str) -> str | None:
    known = Settings.model_fields.get(name)
    if known is None:
        return None
    default = known.get_default(call_default_factory=False)
    return _text(default.value if isinstance(default, Enum) else default)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def report_json(report: ProcessReport) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "node": report.node,
        "process": Node.read(report.node).process,
        "version": report.version or None,
        "settings": dict(report.settings),
    }
