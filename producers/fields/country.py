"""The rule of mobiles whose country is known: all spellings of a number become one."""

import re
from functools import cache
from typing import Any

from issuance.display import mask
from producers.fields.field import Rule
from producers.fields.identifiers import clean_mobile, refuse_rounded
from producers.fields.reading import ReadAs
from producers.fields.refusal import Refusal

_WRITTEN = re.compile(r"\+?[\d\s()./·\u2010-\u2015\u2212\uff0b-]+")
_NEVER = r"(?!)"
_DECIMALS = re.compile(r"([0-9]{4,})\.0+")


@cache
def mobile_rule(country: str) -> Rule:
    """Make the rule for a country.

    Args:
        country: two letters, such as IN (ISO 3166-1).

    Raises:
        ValueError: it is no country, or one without telephone numbers of its own.
    """
    # Imported here: it takes a fifth of a second, and most runs name no country.
    import phonenumbers  # noqa: PLC0415

    region = country.strip().upper()
    if region in phonenumbers.SUPPORTED_REGIONS:
        return _CountryMobile(phonenumbers, region).read
    regions = (
        phonenumbers.region_codes_for_country_code(int(region))
        if re.fullmatch(r"[1-9][0-9]{0,2}", region)
        else ()
    )
    meant = f"; country code {region} is --country {regions[0]}" if regions else ""
    raise ValueError(
        f"--country {country} is no country: give its two letters, for example IN{meant}"
    )


class _CountryMobile:
    """Reads mobiles of one country, and of others if they begin with "+"."""

    def __init__(self, phonenumbers: Any, region: str) -> None:
        self._phonenumbers = phonenumbers
        self._region = region
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        self._code = str(metadata.country_code)
        self._kind = f"completed to its international form ({region})"
        mobile = metadata.mobile.national_number_pattern or _NEVER
        self._mobile = re.compile(mobile, re.ASCII)
        self._ordinary = re.compile(f"{self._code}(?:{mobile})", re.ASCII)
        self._national = re.compile(metadata.general_desc.national_number_pattern, re.ASCII)
        prefixes = (metadata.national_prefix_for_parsing, metadata.international_prefix)
        self._prefix = re.compile("|".join(f"(?:{each or _NEVER})" for each in prefixes), re.ASCII)
        self._lengths = frozenset(metadata.mobile.possible_length)

    def read(self, text: str) -> str | ReadAs | None:
        """Parse a mobile as it is dialled in the country or from abroad."""
        # The two most common spellings: phonenumbers takes 60 µs for a number. Tests compare
        # their results with those of phonenumbers.
        size = len(text)
        if (
            size - len(self._code) in self._lengths
            and self._ordinary.fullmatch(text)
            and not self._national.fullmatch(text)
            and not self._prefix.match(text)
        ):
            return text
        if size in self._lengths and self._mobile.fullmatch(text) and not self._prefix.match(text):
            return ReadAs(f"{self._code}{text}", self._kind)
        return self.read_slowly(text)

    def read_slowly(self, text: str) -> str | ReadAs | None:
        """Parse a mobile in any spelling."""
        value = clean_mobile(text)
        if not value:
            return None
        refuse_rounded(value.removeprefix("+"))
        if with_decimals := _DECIMALS.fullmatch(value):
            value = with_decimals[1]
        digits = self._digits(value)
        if text.strip().removeprefix("+") == digits:
            return digits
        return ReadAs(digits, self._kind)

    def _digits(self, value: str) -> str:
        if _WRITTEN.fullmatch(value):
            compact = value.lstrip("0 ")
            # A single 0 before the country code is dialled nowhere, and often written.
            also = [f"+{compact}"] if compact != value and compact.startswith(self._code) else []
            for spelling in (value, *also):
                if (digits := self._parse(spelling)) is not None:
                    return digits
        raise Refusal(
            f"{mask(value)} cannot be a mobile in {self._region}",
            f"write it as it is dialled there, for example {self._example()}; one of another "
            "country begins with + and its country code",
        )

    def _parse(self, value: str) -> str | None:
        numbers = self._phonenumbers
        try:
            number = numbers.parse(value, self._region)
        except numbers.NumberParseException:
            return None
        if not numbers.is_valid_number(number):
            return None
        return f"{number.country_code}{numbers.national_significant_number(number)}"

    def _example(self) -> str:
        numbers = self._phonenumbers
        kind = numbers.PhoneNumberType.MOBILE
        example = numbers.example_number_for_type(self._region, kind)
        if example is None:
            example = numbers.example_number(self._region)
        return str(numbers.format_number(example, numbers.PhoneNumberFormat.E164))
