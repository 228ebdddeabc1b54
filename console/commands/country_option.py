"""The option that names the country of mobiles."""

from typing import Annotated

import typer

CountryOption = Annotated[
    str | None,
    typer.Option(
        "--country",
        metavar="XX",
        help="The country of mobiles, for example IN: completes them to their international form; "
        "default: the account's.",
        show_default=False,
    ),
]
