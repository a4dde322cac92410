"""README.md and docs/ do what they say: their commands run, their settings are read, what does not run says why."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import documents
import pytest
from documents import FILES, PAGES, Block, blocks, of_page
from places import ROOT
from workspace import SHIPPED, installed

from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.sinks.mqtt import topics

FEW, SIDE = SHIPPED[:10], 96


def quick(page: str) -> list[Block]:
    return [block for block in of_page(page) if not (block.slow or block.sets_up)]


RUNNING = [page for page in PAGES if any(block.runs for block in quick(page))]
SLOW = [page for page in PAGES if any(block.slow for block in of_page(page))]


@pytest.mark.parametrize("page", RUNNING)
def test_the_commands_of_a_page_run(page: str, tmp_path: Path, make_bundle: Callable[..., Path]) -> None:
    workspace = installed(tmp_path / "checkout", make_bundle(faults=True), FEW, SIDE)
    for block in quick(page):
        workspace.run(block)
    assert workspace.left() == set(), "a page's commands write below build/"


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_all_commands_of_a_page_run_with_a_real_bundle(page: str, tmp_path: Path, demo_bundle: Path) -> None:
    workspace = installed(tmp_path / "checkout", demo_bundle, SHIPPED)
    for block in of_page(page):
        if not block.sets_up:
            workspace.run(block)


@pytest.fixture(scope="module")
def demo_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first half of ``make demo`` leaves."""
    out = tmp_path_factory.mktemp("demo") / "bundle"
    command = [sys.executable, str(ROOT / "export" / "build_engine.py"), "--int8", "--frame", "640x480"]
    subprocess.run([*command, "--out", str(out)], check=True, cwd=out.parent)
    return out


def test_every_block_is_of_a_kind_and_most_run() -> None:
    found = [block for page in PAGES for block in of_page(page)]
    commands = [block for block in found if block.language in documents.RUN]
    assert sum(block.runs for block in commands) >= 25
    assert [block for block in commands if not block.runs and len(block.reason) < 8] == []


def test_a_file_of_a_page_has_a_name() -> None:
    found = [block for page in PAGES for block in of_page(page) if block.language in FILES]
    assert len(found) >= 5
    assert [f"{block.page}:{block.line}" for block in found if not block.title] == []


@pytest.mark.parametrize("text", ["```\nls\n```\n", "```bash\nls\n```\n", "<!-- later -->\n```sh\nls\n```\n"])
def test_a_block_of_no_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md:1: .* is of no kind"):
        list(blocks("page.md", text))


def test_what_fails_is_seen(tmp_path: Path, make_bundle: Callable[..., Path]) -> None:
    workspace = installed(tmp_path / "checkout", make_bundle(), FEW, SIDE)
    text = "```sh\nfalse | true\n```\n<!-- exit 3 -->\n```sh\ntouch here\ndgiqa-edge score --bundle no photo.jpg\n```\n"
    wrong, refused = blocks("page.md", text)
    with pytest.raises(AssertionError, match=r"page\.md:1 ended with 1"):
        workspace.run(wrong)
    workspace.run(refused)
    assert workspace.left() == {"here"}


def test_what_a_block_exports_the_next_one_has(tmp_path: Path, make_bundle: Callable[..., Path]) -> None:
    workspace = installed(tmp_path / "checkout", make_bundle(), FEW, SIDE)
    text = "```sh\nexport WORD='two\nlines'\n```\n<!-- exit 3 -->\n```sh\nexport NEXT=$WORD; exit 3\n```\n"
    for block in blocks("page.md", f'{text}```sh\ntest "$NEXT" = "two\nlines"\n```\n'):
        workspace.run(block)


def test_the_topics_in_the_page_are_those_that_are_published() -> None:
    text = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(dgiqa-edge/.*?)` \|", text, re.MULTILINE))
    told = (topics.__doc__ or "").replace("TOPIC/CAMERA", "dgiqa-edge/front").replace("TOPIC/", "dgiqa-edge/")
    told = told.replace("fault/SLUG", "fault/too_dark")
    assert named == set(re.findall(r"^(dgiqa-edge/\S+) ", told, re.MULTILINE))
    assert all(f"`{fault.slug}`" in text for fault in FAULTS.values())


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90
