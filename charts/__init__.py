"""Charts as SVG text: pure, without scripts, the same bytes for the same data."""
