"""``dgiqa-edge score-many`` as a user runs it: once, again, killed in between, with what was there before."""

import fcntl
import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from dgiqa_edge.runtime.hashing import sha256_file

pd = pytest.importorskip("pyarrow.dataset", reason="pyarrow is not installed: extra bulk")

Run = Callable[..., subprocess.CompletedProcess[str]]
PICTURES, SPOILED = 60, (3, 17, 44)


@pytest.fixture
def photos(tmp_path: Path, make_photo: Any) -> Path:
    folder = tmp_path / "photos"
    for number in range(PICTURES):
        file = folder / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        if number in SPOILED:
            file.write_text("no picture")
        else:
            cv2.imwrite(str(file), make_photo(seed=number))
    return folder


@pytest.fixture
def many(command_line: Run, bundle_dir: Path, tmp_path: Path) -> Run:
    def run(*arguments: Any, bundle: Path = bundle_dir, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        words = ["--bundle", bundle, "--out", tmp_path / "out", "--on", "local", "--block", 5]
        return command_line("score-many", *arguments, *words, cwd=cwd)

    return run


def rows(tmp_path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pd.dataset(tmp_path / "out", format="parquet").to_table().to_pylist()
    return found


def counts(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[0].partition(" in ")[0]


def test_every_picture_gets_a_row_once(
    many: Run, command_line: Run, photos: Path, bundle_dir: Path, tmp_path: Path
) -> None:
    first = many("photos")
    assert first.returncode == 3, first.stderr
    assert counts(first) == "60 read, 57 scored, 3 failed, 0 skipped"
    table = rows(tmp_path)
    assert len(table) == len({row["image"] for row in table}) == PICTURES
    assert {row["bundle"] for row in table} == {sha256_file(bundle_dir / "bundle.json")}
    assert {int(Path(row["image"]).stem) for row in table if row["error"]} == set(SPOILED)
    said = command_line("score", "--bundle", bundle_dir, "--json", photos / "a", photos / "b")
    scores = {record["image"]: record.get("score") for record in map(json.loads, said.stdout.splitlines())}
    assert {str(tmp_path / row["image"]): row["score"] for row in table} == scores
    assert len(list((tmp_path / "out").glob("*.parquet"))) > 5
    again = many("photos")
    assert (again.returncode, counts(again)) == (0, "60 read, 0 scored, 0 failed, 60 skipped")
    assert rows(tmp_path) == table


def test_a_list_that_has_changed(many: Run, photos: Path, tmp_path: Path) -> None:
    names = sorted(str(file.relative_to(tmp_path)) for file in photos.rglob("*.png"))
    (tmp_path / "list.txt").write_text("\n".join([*names[:40], names[5]]))
    assert counts(many("list.txt")).endswith("1 skipped")
    (tmp_path / "list.txt").write_text("\n".join(["photos/new.png", *names[10:]]))
    changed = many("list.txt", "--json", tmp_path / "counts.json")
    assert counts(changed).startswith("51 read, ")
    assert counts(changed).endswith("30 skipped")
    assert changed.stdout.splitlines()[1].startswith("10 rows in ")
    assert json.loads((tmp_path / "counts.json").read_text())["not_named"] == 10
    table = {row["image"]: row for row in rows(tmp_path)}
    assert len(rows(tmp_path)) == len(table) == PICTURES + 1
    assert "does not exist" in table["photos/new.png"]["error"]


def test_killed_and_run_again(many: Run, photos: Path, bundle_dir: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "slow.py"
    blocked.write_text(
        "import sys, time\n"
        "from dgiqa_edge.runtime.scoring.bulk import block_scorer\n"
        "real = block_scorer.read_picture\n"
        "block_scorer.read_picture = lambda place: (time.sleep(0.05), real(place))[1]\n"
        "from dgiqa_edge.runtime.commands.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    out = tmp_path / "out"
    words = ["photos", "--bundle", bundle_dir, "--out", out, "--on", "local", "--block", 5]
    process = subprocess.Popen([sys.executable, blocked, "score-many", *map(str, words)], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.parquet"))) < 3 or not list(out.glob("_work/*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (out / ".partial-killed.parquet").touch()
    before = rows(tmp_path)
    assert 0 < len(before) < PICTURES
    done = many("photos")
    assert counts(done).startswith("60 read, ")
    assert counts(done).endswith(f"{len(before)} skipped")
    table = rows(tmp_path)
    assert len(table) == len({row["image"] for row in table}) == PICTURES
    assert sum(row["score"] is None for row in table) == len(SPOILED)
    assert list((out / "_work").iterdir()) == [] == list(out.glob(".*"))


def test_another_bundle_or_fit_takes_a_folder_of_its_own(
    many: Run, photos: Path, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    many("photos/a")
    before = rows(tmp_path)
    others = [many("photos", "--root", tmp_path.parent), many("photos", bundle=make_bundle(faults=True))]
    for done in (*others, many("photos", "--fit", "crop")):
        assert done.returncode == 2
        assert "give each a folder of its own" in done.stderr
    (tmp_path / "out" / "_run.json").unlink()
    assert "holds files of something else" in many("photos").stderr
    assert rows(tmp_path) == before


def test_paths_are_named_from_the_root_on(many: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file,mos\na/00.png,1\nb/01.png,2\n")
    done = many(tmp_path / "list.csv", "--root", photos, cwd=Path("/"))
    assert counts(done) == "2 read, 2 scored, 0 failed, 0 skipped"
    assert [row["image"] for row in rows(tmp_path)] == ["a/00.png", "b/01.png"]


def test_a_report_and_its_sheet(many: Run, photos: Path, tmp_path: Path) -> None:
    many("photos")
    shutil.rmtree(photos / "a")
    sheet = tmp_path / "worst.png"
    done = many("report", "--worst", 8, "--sheet", sheet)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "57 scored, 3 failed"
    folders = {line.split()[0]: line.split()[1:3] for line in lines if line.startswith(("photos/", "(all)"))}
    assert folders == {"photos/a": ["29", "1"], "photos/b": ["28", "2"], "(all)": ["57", "3"]}
    assert "does not exist" in done.stderr
    assert cv2.imread(str(sheet)).shape[1] > 1000
    (report,) = [json.loads(many("report", "--worst", 8, "--json").stdout)]
    lowest = sorted(row["score"] for row in rows(tmp_path) if row["score"] is not None)[:8]
    assert [one["score"] for one in report["worst"]] == lowest
    assert [one["pictures"] for one in report["errors"]] == [3]


def test_a_report_of_what_has_no_score(many: Run, photos: Path) -> None:
    many(photos / "b" / "03.png")
    done = many("report")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 scored, 1 failed")


def test_a_second_run_at_the_same_time_is_refused(many: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / "_lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused = many("photos")
    assert refused.returncode == 4
    assert "another run writes into" in refused.stderr
    assert many("photos").returncode == 3


def test_without_ray_it_says_what_ray_would_add(
    command_line: Run, bundle_dir: Path, photos: Path, tmp_path: Path
) -> None:
    if importlib.util.find_spec("ray"):
        pytest.skip("ray is installed: it is taken")
    words = ["score-many", photos, "--bundle", bundle_dir, "--out", tmp_path / "out"]
    done = command_line(*words)
    assert "with Ray a run takes many machines" in done.stderr
    assert "[ray]" in done.stderr
    refused = command_line(*words, "--on", "ray")
    assert refused.returncode == 4
    assert "needs the package 'ray'" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["absent.csv"], 3, "does not exist"),
        (["list.csv"], 2, "--column"),
        (["photos", "--sheet", "sheet.png"], 2, "score-many report"),
        (["report"], 3, "holds no results"),
        ([], 2, "PICTURES"),
    ],
)
def test_what_is_wrong_is_said(many: Run, photos: Path, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    (tmp_path / "list.csv").write_text("one,two\n1,2\n")
    done = many(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert not list(tmp_path.glob("out/*.parquet"))
