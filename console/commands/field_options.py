"""The options of a command that takes one line: made from the description of the line's fields."""

import csv
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Concatenate, NamedTuple, ParamSpec

import typer

from issuance.display import printable
from producers.fields.field import Described
from producers.fields.line import ALL, CALL, IDENTIFIERS, REWARD, CallFields, Identifiers, Reward

_P = ParamSpec("_P")


class GivenFields(NamedTuple):
    """The fields of a line as the options give them; no rule is applied yet."""

    identifiers: Identifiers
    reward: Reward
    call: CallFields


def with_field_options(
    command: Callable[Concatenate[GivenFields, _P], None],
) -> Callable[..., None]:
    """Give a command one option for each field, in place of its first argument."""

    def run(**options: Any) -> None:
        given = {each.key: options.pop(each.key) for each in ALL}
        for each in ALL:
            if each.is_map:
                given[each.key] = _read_map(each, given[each.key] or [])
            elif each.is_list:
                given[each.key] = _read_items(each, given[each.key] or [])
        fields = GivenFields(
            Identifiers(**_pick(given, IDENTIFIERS)),
            Reward(**_pick(given, REWARD)),
            CallFields(**_pick(given, CALL)),
        )
        command(fields, **options)  # type: ignore[call-arg]  # the rest of the command's own

    own = list(inspect.signature(command).parameters.values())[1:]
    parameters = [*map(_option, ALL), *own]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _pick(given: dict[str, Any], described: Iterable[Described]) -> dict[str, Any]:
    return {each.key: given[each.key] for each in described}


def _option(described: Described) -> inspect.Parameter:
    help_text = described.field.help
    annotation: Any
    default: Any = None
    if described.is_map:
        option = typer.Option(
            _repeated(described), metavar="NAME=VALUE", help=f"{help_text} Repeatable."
        )
        annotation = Annotated[list[str] | None, option]
    elif described.is_list:
        names = ",".join(f"{part.field.name}=…" for part in described.parts[:2])
        option = typer.Option(
            _repeated(described), metavar=f"{names},…", help=f"{help_text} Repeatable."
        )
        annotation = Annotated[list[str] | None, option]
    else:
        optional = described.type | None if described.is_optional else described.type
        annotation, default = Annotated[optional, typer.Option(help=help_text)], described.default
    return inspect.Parameter(
        described.key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _repeated(described: Described) -> str:
    return f"--{described.key.removesuffix('s').replace('_', '-')}"


def _read_map(described: Described, pairs: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in pairs:
        name, value = _pair(described, pair)
        values[name] = value
    return values


def _read_items(described: Described, texts: Iterable[str]) -> tuple[Any, ...]:
    """Read items such as `methodOfPayment=CARD,amount=100`; quotes keep a comma in a value."""
    items = []
    for text in texts:
        values: dict[str, Any] = {}
        for pair in next(csv.reader([text]), []):
            name, value = _pair(described, pair)
            first, _, own = name.partition(".")
            part = next((each for each in described.parts if each.field.name == first), None)
            if part is None or part.is_map != bool(own):
                known = ", ".join(each.field.name for each in described.parts)
                raise _bad(described, f"'{printable(name)}' is none of {known}")
            if own:
                values.setdefault(part.key, {})[own] = value
            else:
                values[part.key] = value
        items.append(described.item(**values))
    return tuple(items)


def _pair(described: Described, pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals or not name.strip():
        raise _bad(described, f"'{printable(pair)}' is not NAME=VALUE")
    return name.strip(), value


def _bad(described: Described, problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint=_repeated(described))
