"""The rules about mobiles: the API finds a customer only by a mobile with its country code."""

import re
from collections.abc import Callable

from issuance.display import mask
from producers.lint.finding import Finding
from producers.source import Identifier

# The fewest digits of a mobile after the country code, from the national numbering plans; for other
# countries the fewest in use. They distinguish an Indian 9198765432, which lacks its country code,
# from 919198765432.
_NATIONAL_DIGITS = {
    "1": 10, "44": 10, "60": 9, "61": 9, "62": 9, "63": 10, "65": 8, "66": 9, "84": 9, "86": 11,
    "91": 10, "852": 8, "965": 8, "966": 9, "971": 9, "974": 8,
}  # fmt: skip
_FEWEST_DIGITS = 7
_SHORT_DIGITS = 10
_CODE = re.compile(r"[1-9][0-9]{0,2}")


def country_code_rule(code: str) -> Callable[[Identifier], Finding | None]:
    """Make the rule for files whose mobiles all have this country code.

    Args:
        code: 1 to 3 digits, such as `91`.

    Raises:
        ValueError: it is not a country code.
    """
    if not _CODE.fullmatch(code):
        raise ValueError(
            f"--country-code {code} is no country code: give its 1 to 3 digits, for example 91"
        )
    fewest = len(code) + _NATIONAL_DIGITS.get(code, _FEWEST_DIGITS)

    def check(identifier: Identifier) -> Finding | None:
        mobile = identifier.value
        if identifier.kind != "mobile" or (len(mobile) >= fewest and mobile.startswith(code)):
            return None
        if mobile.startswith(code):
            problem = (
                f"{mask(mobile)} has {len(mobile)} digits, "
                f"with country code {code} there are {fewest} or more"
            )
        else:
            problem = f"{mask(mobile)} does not begin with the country code {code}"
        return _warning(
            f"mobile without country code {code}",
            problem,
            f"write {code} and then the whole number",
        )

    return check


def check_length(identifier: Identifier) -> Finding | None:
    """Check the length if the country is unknown: few mobiles with a code have only 10 digits."""
    if identifier.kind != "mobile" or len(identifier.value) > _SHORT_DIGITS:
        return None
    mobile = identifier.value
    problem = f"{mask(mobile)} has only {len(mobile)} digits: its country code may be missing"
    remedy = "write the country code first, or say with --country-code which one all mobiles have"
    return _warning("mobile probably without country code", problem, remedy)


def _warning(kind: str, problem: str, remedy: str) -> Finding:
    return Finding(kind, "mobile", problem, remedy, refuses=False)
