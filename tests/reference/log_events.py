"""The page of the log events, from the log calls in the code."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = (
    "broker",
    "config",
    "console",
    "files",
    "ledger",
    "limiter",
    "operations",
    "producers",
    "rewards_api",
    "worker",
)
_LEVELS = ("debug", "info", "warning", "error", "exception")
_AFTER_COMMIT = {"log_after_commit": (), "log_jobs_after_commit": ("count", "request_ids")}
_PLUMBING = "ledger/store/commit_log.py"
_OPTIONS = {"level", "exc_info"}
_DEAD_LETTER = ("letter_id", "opening", "request_id", "campaign", "reason", "code")
_SUMMARY = ("campaign", "reason", "count", "first_letter_id", "last_letter_id", "codes")
_FIELDS_FROM_DATA: Mapping[str, tuple[str, ...]] = {
    "_letter_fields": _DEAD_LETTER,
    "_summary_fields": _SUMMARY,
    "line_fields": ("request_id", "request_ids"),
}
"""Unpacked fields whose names the module does not show, by the name that is unpacked."""
_SCOPES = ("account", "reads", "campaign")
_LIMITER = "limiter/rate_limiter.py"
_EVENTS_FROM_DATA: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    *(
        (
            f"{scope}_suspended",
            "warning",
            _LIMITER,
            ("campaign_id",) * (scope == "campaign") + ("reason",),
        )
        for scope in _SCOPES
    ),
    *(
        (f"{scope}_available", "info", _LIMITER, ("campaign_id",) * (scope == "campaign"))
        for scope in _SCOPES
    ),
    ("limit_lowered", "warning", _LIMITER, ("calls_a_minute",)),
    ("limit_lifted", "info", _LIMITER, ("calls_a_minute",)),
    ("failures_unrelated", "info", _LIMITER, ()),
    ("latency_unrelated", "info", _LIMITER, ()),
)  # fmt: skip
"""Events whose names come from the limiter's scripts."""
_HEAD = """\
# Log events

Written by `make reference` from the log calls in the code; do not edit.

Logs go to standard error, one event a line: as JSON with `ISSUANCE_LOG_FORMAT=json` and where
standard error is no terminal. Every event also has `event`, `level`, `logger` and `timestamp`.
Customers and vouchers are masked. An event has those of the listed fields that apply; `request_ids`
is there for jobs of several lines and for events of several jobs.

"""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One row of the page."""

    name: str
    level: str
    module: str
    fields: tuple[str, ...]


class _Module:
    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.tree = ast.parse(text)
        self.functions = [
            each
            for each in ast.walk(self.tree)
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    def events(self) -> Iterator[LogEvent]:
        """Yield the events of all log calls."""
        around: dict[ast.Call, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for function in self.functions:  # outer ones come before those inside them
            around |= {each: function for each in ast.walk(function) if isinstance(each, ast.Call)}
        for call, function in around.items():
            yield from self._read(function, call)

    def _read(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call
    ) -> Iterator[LogEvent]:
        called = _name(call.func)
        if called in _AFTER_COMMIT:
            event, more = call.args[1], _AFTER_COMMIT[called]
            given = self._literals(function, _keyword(call, "level"))
            levels = given or self._unpacked_levels(call) or ["info"]
        elif levels := self._levels(function, call.func):
            position = 1 if isinstance(call.func, ast.Attribute) and call.func.attr == "log" else 0
            if len(call.args) <= position:
                return
            event, more = call.args[position], ()
        else:
            return
        named = dict.fromkeys([*self._fields(call), *more])
        fields = tuple(each for each in named if each not in _OPTIONS)
        if (
            called in _AFTER_COMMIT
            and isinstance(event, ast.Name)
            and event.id in _parameters(function)
        ):
            yield from self._read_callers(function, event.id, fields)
            return
        for name in self._literals(function, event):
            yield LogEvent(name, "/".join(dict.fromkeys(levels)), self.path, fields)

    def _read_callers(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, event: str, fields: tuple[str, ...]
    ) -> Iterator[LogEvent]:
        """Yield the events of a function whose callers give the name, fields and the level."""
        parameters = _parameters(function)
        rest = function.args.kwarg.arg if function.args.kwarg else ""
        own = [each for each in fields if each not in self._unpacked(rest)]
        for caller, call in self._calls(function.name):
            added = [each for each in self._fields(call) if each not in (*parameters, *_OPTIONS)]
            given = self._literals(caller, _keyword(call, "level")) or self._unpacked_levels(call)
            for name in self._literals(caller, _argument(call, parameters, event)):
                named = tuple(dict.fromkeys([*own, *added]))
                yield LogEvent(name, "/".join(given or ["info"]), self.path, named)

    def _calls(
        self, name: str
    ) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.Call]]:
        for caller in self.functions:
            for call in ast.walk(caller):
                if isinstance(call, ast.Call) and _name(call.func) == name:
                    yield caller, call

    def _levels(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, called: ast.expr
    ) -> list[str]:
        """Return the levels with which an expression logs; none if it does not log."""
        if isinstance(called, ast.Attribute) and _name(called.value) in ("log", "_log"):
            return (
                [{"exception": "error"}.get(called.attr, called.attr)]
                if called.attr in _LEVELS
                else ["info", "error"]
            )
        if isinstance(called, ast.IfExp):
            found = self._levels(function, called.orelse) + self._levels(function, called.body)
            return list(dict.fromkeys(found))
        if isinstance(called, ast.Name):
            for value in _assigned(function, called.id):
                if isinstance(value, ast.IfExp):
                    return self._levels(function, value)
        return []

    def _literals(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, value: ast.expr | None
    ) -> list[str]:
        """Return the strings that an expression can be, found in this module only."""
        match value:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.IfExp(body=body, orelse=orelse):
                return self._literals(function, body) + self._literals(function, orelse)
            case ast.Subscript(value=ast.Name(id=name)):
                return [
                    text
                    for table in _assigned(self.tree, name)
                    if isinstance(table, ast.Dict)
                    for each in table.values
                    for text in self._literals(function, each)
                ]
            case ast.Name(id=name):
                assigned = [
                    text
                    for each in _assigned(function, name)
                    for text in self._literals(function, each)
                ]
                return assigned or self._passed(function, name)
        return []

    def _passed(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str
    ) -> list[str]:
        """Return the strings that this module passes for a parameter of its function."""
        return [
            text
            for caller, call in self._calls(function.name)
            for text in self._literals(caller, _argument(call, _parameters(function), parameter))
        ]

    def _fields(self, call: ast.Call) -> Iterator[str]:
        for keyword in call.keywords:
            if keyword.arg is not None:
                yield keyword.arg
            else:
                yield from self._unpacked(_name(keyword.value))

    def _unpacked_levels(self, call: ast.Call) -> list[str]:
        """Return the levels in the dictionaries that a call unpacks; `info` where one has none."""
        names = [_name(each.value) for each in call.keywords if each.arg is None]
        tables = [table for name in names for table in _assigned(self.tree, name)]
        return [
            value.value if isinstance(value, ast.Constant) else "info"
            for table in tables
            if isinstance(table, ast.Dict)
            for key, value in zip(table.keys, table.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "level"
        ]

    def _unpacked(self, name: str) -> Iterator[str]:
        """Return the keys of a dictionary, from every place of the module that fills it."""
        yield from _FIELDS_FROM_DATA.get(name, ())
        for value in _assigned(self.tree, name):
            match value:
                case ast.Dict(keys=keys):
                    yield from (key.value for key in keys if isinstance(key, ast.Constant))  # type: ignore[misc]
                case ast.Call():
                    yield from _FIELDS_FROM_DATA.get(_name(value.func), ())
        for each in ast.walk(self.tree):
            match each:
                case ast.Assign(
                    targets=[
                        ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(key)))
                    ]
                ) if owner == name:
                    yield key


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return _name(called)
    return ""


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the names of a function's parameters, without `self`."""
    return [each.arg for each in function.args.args if each.arg != "self"]


def _argument(call: ast.Call, parameters: list[str], name: str) -> ast.expr | None:
    """Return the expression that a call passes for a parameter."""
    if (given := _keyword(call, name)) is not None or name not in parameters:
        return given
    place = parameters.index(name)
    return call.args[place] if place < len(call.args) else None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def _assigned(tree: ast.AST, name: str) -> list[ast.expr]:
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if (
                target == name
            ):
                found.append(value)
    return found


def find_events(root: Path) -> list[LogEvent]:
    """Return every event of the product, by name."""
    found = [LogEvent(*each) for each in _EVENTS_FROM_DATA]
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            if path != _PLUMBING:
                found += _Module(path, file.read_text(encoding="utf-8")).events()
    return sorted(found, key=lambda event: (event.name, event.module))


def _quoted(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{each}`" for each in fields) or "none"


def render(root: Path) -> str:
    """Return the page."""
    merged: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for event in find_events(root):
        key = (event.name, event.level, event.module)
        merged[key] = tuple(dict.fromkeys([*merged.get(key, ()), *event.fields]))
    rows = [
        f"| `{name}` | {level} | `{module}` | {_quoted(fields)} |\n"
        for (name, level, module), fields in merged.items()
    ]
    return (
        _HEAD + "| event | level | module | fields |\n| --- | --- | --- | --- |\n" + "".join(rows)
    )
