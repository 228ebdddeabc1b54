"""`make reference`: writes the pages that come from the code."""

import sys

from tests.reference.pages import PAGES, ROOT

for path, render in PAGES.items():
    (ROOT / path).write_text(render(), encoding="utf-8")
    sys.stdout.write(f"written: {path}\n")
