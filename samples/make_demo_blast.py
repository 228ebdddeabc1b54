"""Writes `demo-blast.csv`: 2,400 rows with every documented failure.

See docs/reference/simulator.md.
"""

import csv
from pathlib import Path
from random import Random

_ROWS = 2_400
# Ending of the mobile number → count of rows; docs/reference/simulator.md says what each does.
_MAGIC = {
    "9001": 6, "9002": 8, "9003": 2, "9004": 6, "9005": 5, "9006": 8, "9007": 4, "9008": 4,
    "9009": 4, "9010": 1, "9011": 4, "9101": 8, "9102": 5, "9103": 6, "9104": 6, "9105": 6,
    "9106": 5, "9107": 4, "9108": 2, "9109": 3, "9110": 2, "9111": 2,
}  # fmt: skip
_COLUMNS = ("mobile", "email", "externalId", "rewardId", "quantity", "notes")
_BAD = (
    ("", "", "", "1001", "1", "no identifier"),
    ("919811110001", "two@example.test", "", "1001", "1", "two identifiers"),
    ("98-11-ABC", "", "", "1001", "1", "not a number"),
    ("9.19811E+11", "", "", "1001", "1", "spreadsheet damage"),
    ("919811110005", "", "", "1001", "1.5", "half a reward"),
    ("919811110006", "", "", "1001", "0", "no units"),
    ("919811110007", "", "", "", "1", "no reward"),
    ("", "not-an-address", "", "1001", "1", "broken address"),
)


def rows() -> list[tuple[str, ...]]:
    """Return all rows, shuffled the same way each time."""
    made: list[tuple[str, ...]] = []
    for ending, count in _MAGIC.items():
        quantity = "2" if ending == "9101" else "1"
        made += [
            (f"91981{copy:03d}{ending}", "", "", "1001", quantity, "") for copy in range(count)
        ]
    made += [(f"9198220000{n:02d}", "", "", "1006", "2", "only one a day") for n in range(8)]
    made += [
        (f"9198230000{n:02d}", "", "", reward, "1", "")
        for n, reward in enumerate(("1005", "1007", "1008") * 3)
    ]
    made += [("919700000502", "", "", "1002", "1", "too few points")]
    made += [("919700000501", "", "", reward, "1", "gold customer") for reward in ("1007", "1008")]
    made += [("", f"customer{n}@example.test", "", "1002", "1", "by e-mail") for n in range(150)]
    made += [("", "", f"CRM-{n:06d}", "1003", "1", "by external id") for n in range(150)]
    plain = _ROWS - len(made) - len(_BAD) - 6
    made += [
        (f"91982400{n:04d}", "", "", "1001" if n % 3 else "1004", "1" if n % 7 else "2", "")
        for n in range(plain)
    ]
    Random(8010).shuffle(made)
    made[300:300] = _BAD
    return made + made[10:16]  # six rows twice


if __name__ == "__main__":
    with (Path(__file__).parent / "demo-blast.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *rows()])
