"""Whether the tests would notice: each mutant of the code in ``mutations.toml`` against its tests (``make mutate``).

A mutant (``mutants.py``) is killed where a test fails, or takes five times as long as all of them should. Each runs in
a fork of a process that has imported what others made and nothing of ours; no file changes. What a test starts as a
process of its own is not mutated.
"""

import argparse
import contextlib
import gc
import importlib
import importlib.machinery
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from mutants import Mutant, mutants
from places import ROOT

if sys.version_info < (3, 11):
    import tomli as toml
else:
    import tomllib as toml

TABLE = Path(__file__).with_name("mutations.toml")
REPORT = Path(__file__).with_name("mutations.md")
PLUGINS = ("pytest_timeout", "_hypothesis_pytestplugin")
QUICK = ("-x", "-q", "--tb=no", "-p", "no:unraisableexception", *(word for name in PLUGINS for word in ("-p", name)))
LIBRARIES = ("numpy", "cv2", "onnx", "onnxruntime", "hypothesis", "jsonschema", "pytest", *PLUGINS)
SAMPLE = 150
SEED = 0
PATIENCE = 5.0
_LEAST_S = 20.0


@dataclass(frozen=True)
class Trial:
    """A mutant of ``file``; ``text``: the line it changes, without the space around it."""

    file: str
    text: str
    mutant: Mutant

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.file, self.text, self.mutant.was, self.mutant.becomes

    def __str__(self) -> str:
        change = f"`{self.mutant.was}` -> `{self.mutant.becomes}`"
        return f"{self.file}:{self.mutant.line}: {change} in `{self.text}`"


def table() -> dict[str, Any]:
    """``mutations.toml``."""
    return toml.loads(TABLE.read_text(encoding="utf-8"))


def trials(files: Iterable[str]) -> list[Trial]:
    """All mutants of the files."""
    found = []
    for file in files:
        source = (ROOT / file).read_text(encoding="utf-8")
        lines = source.splitlines()
        found += [Trial(file, lines[mutant.line - 1].strip(), mutant) for mutant in mutants(source)]
    return found


def sample(found: list[Trial], most: int, seed: int) -> list[Trial]:
    """At most so many, in their order; the same for the same seed."""
    if len(found) <= most:
        return found
    return [found[place] for place in sorted(random.Random(seed).sample(range(len(found)), most))]


def _import_as(trial: Trial) -> None:
    """From now on that file's module is the mutant."""
    file, tree = os.path.realpath(ROOT / trial.file), trial.mutant.tree()
    real: Callable[[Any, str], CodeType | None] = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        path = self.get_filename(name)
        return compile(tree, path, "exec") if os.path.realpath(path) == file else real(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def start(tests: Sequence[str], trial: Trial | None) -> int:
    """Run the tests in a fork, against the mutant if one is given; returns its process id."""
    sys.stdout.flush()
    if child := os.fork():
        return child
    status = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(1, 2)
        if trial is not None:
            _import_as(trial)
        import pytest

        status = int(pytest.main([*QUICK, *tests]))
    finally:
        os._exit(status)


def survivors(tests: Sequence[str], tried: list[Trial], jobs: int) -> list[Trial]:
    """Those that no test notices.

    Raises:
        RuntimeError: the tests fail without a mutant, or pytest cannot run them.
    """
    began = time.monotonic()
    if status := os.waitstatus_to_exitcode(os.waitpid(start(tests, None), 0)[1]):
        raise RuntimeError(f"the tests fail as they are (pytest's exit status {status}): {' '.join(tests)}")
    patience_s = max(_LEAST_S, PATIENCE * (time.monotonic() - began))
    left = iter(tried)
    alive: list[Trial] = []
    running: dict[int, tuple[Trial, float]] = {}
    while True:
        for trial in itertools.islice(left, jobs - len(running)):
            running[start(tests, trial)] = trial, time.monotonic()
        if not running:
            return alive
        time.sleep(0.02)
        for child, (trial, since) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended and time.monotonic() - since < patience_s:
                continue
            del running[child]
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            if not ended:
                os.waitpid(child, 0)
            elif os.waitstatus_to_exitcode(status) == 0:
                alive.append(trial)
                print(f"survives: {trial}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", help="of mutations.toml; all of them by default")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="mutants of an area that are tried (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the sample (%(default)s)")
    parser.add_argument("--again", action="store_true", help=f"of those only what {REPORT.name} says survived")
    parser.add_argument("--only", default="", help="mutants whose file:line begins so")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    areas = table()
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not any(name.startswith("dgiqa_edge") for name in sys.modules), "a fork would not import the mutant"
    os.environ |= {"DGIQA_HYPOTHESIS": "mutants", "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    gc.freeze()  # a collection in a fork would copy all that was imported
    os.chdir(ROOT)
    rows, unnoticed, known = [], [], []
    for area in options.areas or areas:
        content = areas[area]
        everything = trials(content["files"])
        tried = sample(everything, options.sample, options.seed)
        tried = [trial for trial in tried if f"{trial.file}:{trial.mutant.line}:".startswith(options.only)]
        alive: list[Trial] = []
        survived = REPORT.read_text(encoding="utf-8") if options.again else None
        for file, tests in content["files"].items():
            mine = [trial for trial in tried if trial.file == file]
            if here := [trial for trial in mine if survived is None or str(trial) in survived]:
                alive += survivors(tests, here, options.jobs)
        equal = {tuple(row[:4]): row[4] for row in content.get("equivalent", [])}
        excused = Counter(dict.fromkeys(equal, 1))  # one survivor a row: another line may read the same
        missed, same = [], []
        for trial in alive:
            (same if excused[trial.key] else missed).append(trial)
            excused[trial.key] -= 1
        killed, judged = len(tried) - len(alive), len(tried) - len(same)
        share = f"{killed / judged:.1%}" if judged else "-"
        rows.append(f"| {area} | {len(everything)} | {len(tried)} | {killed} | {len(same)} | {len(missed)} | {share} |")
        print(f"{area}: {killed} of {judged} killed, {share}; {len(same)} more change nothing", flush=True)
        unnoticed += missed
        known += [f"{trial}: {equal[trial.key]}" for trial in same]
    if options.write:
        _write(rows, unnoticed, known, options)
    return 0


def _write(rows: list[str], unnoticed: list[Trial], known: list[str], options: argparse.Namespace) -> None:
    lines = [
        "# Mutants",
        "",
        f"Made by `python tests/mutate.py --write --sample {options.sample} --seed {options.seed}`: of each area at "
        f"most {options.sample} mutants, drawn by the seed. `--again` tries those anew that survived the run before,",
        "once there are tests for them. Score: killed of those that change something.",
        "",
        "| area | mutants | tried | killed | change nothing | survive | score |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        "## Survive",
        "",
        *([f"- {trial}" for trial in unnoticed] or ["None."]),
        "",
        "## Change nothing",
        "",
        *([f"- {line}" for line in known] or ["None."]),
    ]
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
