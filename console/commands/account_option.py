"""The options that name an API account."""

from typing import Annotated

import typer

AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="The API account of a new campaign; default: the settings' (`issuance account list`).",
        show_default=False,
    ),
]
ChosenAccount = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Only this API account; default: all.",
        show_default=False,
    ),
]
