"""The options of a command that takes one line: made from the description of the line's fields."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Concatenate, NamedTuple, ParamSpec

import typer

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
        fields = GivenFields(
            Identifiers(**_pick(given, IDENTIFIERS)),
            Reward(**_pick(given, REWARD)),
            CallFields(**_pick(given, CALL)),
        )
        command(fields, **options)  # type: ignore[call-arg]  # the rest of the command's own

    own = list(inspect.signature(command).parameters.values())[1:]
    # Required ones come first, as --help lists them in this order.
    described = sorted(ALL, key=lambda each: not each.is_required)
    parameters = [*map(_option, described), *own]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _pick(given: dict[str, Any], described: Iterable[Described]) -> dict[str, Any]:
    return {each.key: given[each.key] for each in described}


def _option(described: Described) -> inspect.Parameter:
    help_text = described.field.help
    if described.is_map:
        option = typer.Option(
            _map_option(described), metavar="NAME=VALUE", help=f"{help_text} Repeatable."
        )
        annotation: Any = Annotated[list[str] | None, option]
        default: Any = None
    elif described.is_required:
        annotation = Annotated[described.type, typer.Option(help=help_text, show_default=False)]
        default = inspect.Parameter.empty
    else:
        option = typer.Option(help=help_text)
        optional = described.type | None if described.is_optional else described.type
        annotation, default = Annotated[optional, option], described.default
    return inspect.Parameter(
        described.key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _map_option(described: Described) -> str:
    return f"--{described.key.removesuffix('s').replace('_', '-')}"


def _read_map(described: Described, pairs: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(
                f"'{pair}' is not NAME=VALUE", param_hint=_map_option(described)
            )
        values[name.strip()] = value
    return values
