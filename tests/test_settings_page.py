"""``docs/configuration.md`` and the schema say what the program reads."""

import pytest
import settings_page


@pytest.mark.parametrize("file", settings_page.written(), ids=lambda file: file.name)
def test_the_file_is_what_the_program_reads(file) -> None:  # type: ignore[no-untyped-def]
    assert file.read_text(encoding="utf-8") == settings_page.written()[file], "python tests/settings_page.py writes it"
