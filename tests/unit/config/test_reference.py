"""The reference of settings matches the code."""

from pathlib import Path

from config.reference import render
from config.settings import Settings

ROOT = Path(__file__).parents[3]


def test_the_example_file_is_the_rendered_reference():
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == render()


def test_the_example_with_every_line_uncommented_is_the_default(tmp_path):
    lines = [
        line.removeprefix("#") for line in render().splitlines() if line.startswith("#ISSUANCE_")
    ]
    file = tmp_path / "all.env"
    file.write_text("\n".join(lines))
    assert len(lines) == len(Settings.model_fields)
    assert Settings(_env_file=file) == Settings(_env_file=None)


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())
