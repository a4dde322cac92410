"""From nothing to own scores: what README.md and three pages tell a newcomer to type, typed in an empty environment.

The checkout is a copy of what git tracks. Home is empty, and so is the environment but for the system's programs, a
Python without packages, and what pip needs to find its index. Packages that pip has in its cache are not fetched again.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import dist
import pytest
from documents import of_page
from pythons import of_pip
from workspace import SHIPPED, Workspace, bring

PAGES = ("README.md", "docs/quickstart.md", "docs/gate-a-camera.md", "docs/own-scores.md")
LIMIT_S = 1800


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT_S)
def test_a_newcomer_gets_from_nothing_to_own_scores(capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="newcomer-") as place:
        checkout, home, programs = (Path(place) / name for name in ("checkout", "home", "programs"))
        try:
            dist.copy(checkout)
        except dist.ReleaseError as error:
            pytest.skip(str(error))
        bring(checkout, SHIPPED)
        home.mkdir()
        programs.mkdir()
        (programs / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
        variables = {"PATH": f"{programs}:{os.defpath}", "HOME": str(home), **of_pip()}
        newcomer = Workspace(checkout, variables, LIMIT_S)
        started = time.monotonic()
        for block in (block for page in PAGES for block in of_page(page, checkout) if block.runs or block.title):
            begun = time.monotonic()
            newcomer.run(block)
            with capsys.disabled():
                first = block.title or block.text.partition("\n")[0]
                print(f"{time.monotonic() - begun:6.1f} s  {block.page}:{block.line}  {first:.80}", flush=True)
        with capsys.disabled():
            print(f"{time.monotonic() - started:6.1f} s  from nothing to own scores", flush=True)
        assert (checkout / "build" / "mine" / "bundle" / "bundle.json").is_file()
        # What README.md says, and what pip leaves where it makes a wheel.
        assert newcomer.left() == {".venv", ".editable", "dgiqa_edge.egg-info"}
