"""The page of the request's fields, from the description of a line."""

from collections.abc import Iterator
from pathlib import Path

from issuance.endpoint import Variant
from producers.fields.field import Described, Place
from producers.fields.line import ALL, IDENTIFIERS

PAGE = Path(__file__).parents[2] / "docs/reference/fields.md"
_RESPONSE = "\n## Response fields"
_HEAD = """\
# Fields

Every field that the pages of the rewards API document, and where the product has it.

## Request fields

Written by `make reference` from `producers/fields/line.py`; do not edit this section.

A field has one name in all ways in:

* **CSV and other tables:** a column. The API's nesting is written with dots.
* **JSONL:** a key, with dots or nested as the API has it; `rewards` and `orgLevelDetails` are accepted
  as the API has them. Several `rewards` in one row become one call.
* **Python:** a keyword of `producers.enqueue`. `producers.Reward`, `producers.Tender` and
  `producers.OrgDetails` hold the fields of `more`, `tenders` and `org_details`.
* **Command:** an option of `issuance issue`; a map is repeated as `NAME=VALUE`.
* **A file's default:** `issuance blast --set COLUMN=VALUE`. A row's own value wins. Identifiers and
  `transactionNumber` have no default.

*Top level*, *rewards[]* and *orgLevelDetails[]* are places in the body. Where an endpoint has a dash,
a row that gives the field is refused. `?` marks a place that no page documents: the field is sent, with
a warning. Sections are those of [the contract](rewards-api.md). The test is the one of this name in
`tests/integration/console/test_every_way_in.py`, which sends the field through all ways in to each
endpoint that takes it.

| column or key | other names | keyword | option of `issue` | single | bulk | connected | rule | source | test |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501
_OURS = """\

These are sent too, but not given for each row:

| field | single | bulk | connected | value | source |
| --- | --- | --- | --- | --- | --- |
| `brand` | top level | top level | top level | `ISSUANCE_API_BRAND` | §3 |
| `requestId` | top level | rewards[] | rewards[] | derived from campaign, customer and reward, or from the caller's key | §5 |
| `username`, `skip_validation` | query | query | query | `ISSUANCE_API_TILL`; `true` | §2 |
| `DATA-SCOPE-ORG` | - | - | header | with `OTHER`: the organisations of this call | §2 |
| `Authorization` or `X-CAP-API-OAUTH-TOKEN` | header | header | header | by `ISSUANCE_API_AUTH` | §2 |
"""  # noqa: E501


def render() -> str:
    """Return the page; the section on responses stays as it is."""
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    _, found, response = current.partition(_RESPONSE)
    rows = "".join(row for described in ALL for row in _rows(described))
    return f"{_HEAD}{rows}{_OURS}{found}{response}"


def _rows(described: Described) -> Iterator[str]:
    field = described.field
    name = f"{field.name}.NAME" if described.is_map else field.name
    yield _row(
        f"`{name}`",
        ", ".join(f"`{other}`" for other in field.also),
        f"`{described.key}`",
        f"`{_option(described)}`",
        *_places(described),
        field.limits,
        field.source,
        f"`{described.key}`" if described not in IDENTIFIERS else "`customer`",
    )
    for part in described.parts:
        own = f"{part.field.name}.NAME" if part.is_map else part.field.name
        yield _row(
            f"`{field.name}.0.{own}`",
            ", ".join(f"`{other}.{own}`" for other in (field.name, *field.also)),
            f"`{described.item.__name__}.{part.key}`",
            f"`{own}=…` in `{_option(described)}`",
            *_places(part, described),
            part.field.limits,
            part.field.source,
            f"`{described.key}`",
        )


def _option(described: Described) -> str:
    name = described.key.removesuffix("s") if _is_repeated(described) else described.key
    return f"--{name.replace('_', '-')}"


def _is_repeated(described: Described) -> bool:
    return described.is_map or described.is_list


def _places(described: Described, owner: Described | None = None) -> list[str]:
    return [_place(described, owner, variant) for variant in Variant]


def _place(described: Described, owner: Described | None, variant: Variant) -> str:
    field = described.field
    if owner is not None and variant not in owner.field.places:
        return "-"
    place = field.places.get(variant)
    if place is None:
        return "-"
    is_snake = field.snake_path and variant.endpoint.group_keys == "snake"
    path = field.snake_path if is_snake else field.path
    key = f" `{path}`" if path and place is not Place.UNSENT else ""
    return f"{place}{key if owner is None else ''}{' ?' if variant in field.undocumented else ''}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
