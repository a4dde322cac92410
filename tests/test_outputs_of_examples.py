"""Whoever follows a page or an example in a checkout leaves no file but below ``build/``, which git ignores."""

import re
import sys
from pathlib import Path

import pytest
from documents import PAGES, RUN, of_page

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
OUTPUT = re.compile(r"--(?:out|json|html|plot|depth-out|against-json)[ =]([\w./-]+)")


def test_outputs_of_the_pages_go_below_build() -> None:
    texts = [block.text for page in PAGES for block in of_page(page) if block.language in RUN]
    outputs = [output for text in texts for output in OUTPUT.findall(text)]
    assert len(outputs) > 20
    # What a container writes, what the reader trains or downloads, their store: places of theirs.
    theirs = ("build/", "/work/", "weights", "s3")
    assert [output for output in outputs if not output.startswith(theirs)] == []


@pytest.mark.parametrize("example", sorted((ROOT / "runtime" / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_no_example_writes_beside_itself(example: Path) -> None:
    settings = tomllib.loads(example.read_text())
    written = [sink["path"] for sink in settings.get("sinks", []) if "path" in sink]
    written += [settings[key] for key in ("baselines",) if key in settings]
    assert [path for path in written if not path.startswith(("/", "~/"))] == []
