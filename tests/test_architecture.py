"""The house rules that no single module can keep: who may import whom (``house.toml``), and what each room loads."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys

import house
import pytest

from dgiqa_edge.runtime.commands.cli import command_modules

ROOT = house.ROOT

EXTRA_OF_ROOM = {
    "runtime": "cpu",
    "calibration": "export",
    "benchmarks": "bench",
    "export": "export",
    "training": "training",
}
LONGEST_FILE = 400
COMMANDS = [
    *("bench", "build", "debug", "demo", "doctor", "export"),
    *("gate", "inspect", "score", "train", "watch", "weights"),
]


def modules(room):
    return [path for path in house.python_files() if path.is_relative_to(ROOT / room)]


def test_no_module_imports_from_a_higher_floor():
    assert house.breaches(house.edges(), house.table()) == []


def test_every_folder_of_folders_has_its_floors_in_the_table():
    assert house.unlisted(house.edges(), house.table()) == []


def test_no_import_goes_in_a_circle():
    assert house.circles(house.edges()) == []


def test_no_folder_holds_more_modules_than_a_reader_can_take_in():
    assert [row for row in house.folders(house.edges()) if row.modules > house.MOST_MODULES] == []


def test_a_room_has_few_loose_modules_and_few_floors():
    rooms = [row for row in house.folders(house.python_edges(ROOT)) if row.path in house.ROOMS]
    assert len(rooms) == len(house.ROOMS)
    assert [row for row in rooms if row.modules > 6 or row.floors > 6] == []


def test_training_uses_only_the_networks_of_export():
    # Own scores end in a bundle: they stand on the whole build.
    for path in (path for path in modules("training") if path.parent.name != "own"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"dgiqa_edge\.export\.(?!networks)", text), path


def closure(extra):
    """Distributions that an extra brings, by normalised name."""
    normal = lambda name: re.sub(r"[-_.]+", "-", name).lower()  # noqa: E731
    found, queue = set(), [("dgiqa-edge", extra)]
    while queue:
        name, wanted = queue.pop()
        if (name, wanted) in found:
            continue
        found.add((name, wanted))
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in requirements:
            requirement, _, marker = text.partition(";")
            if "extra ==" in marker and (not wanted or f"'{wanted}'" not in marker.replace('"', "'")):
                continue
            match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
            queue.append((normal(match[0]), ""))
    return {name for name, _ in found}


IMPORT_ALL = """
import importlib, importlib.abc, json, sys
room, blocked, modules = json.loads(sys.argv[1])

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r} (not in this room's extra)", name=name)

sys.meta_path.insert(0, Absent())
for module in modules:
    importlib.import_module(module)
"""


@pytest.mark.parametrize("room", EXTRA_OF_ROOM)
def test_every_module_imports_with_only_its_own_extra(room):
    allowed = closure(EXTRA_OF_ROOM[room])
    assert "numpy" in allowed
    blocked = sorted(
        package
        for package, distributions in importlib.metadata.packages_distributions().items()
        if not allowed.intersection(re.sub(r"[-_.]+", "-", name).lower() for name in distributions)
    )
    assert "pytest" in blocked
    names = [
        "dgiqa_edge." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules(room)
    ]
    assert names
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, json.dumps([room, blocked, names])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def test_the_runtime_loads_no_torch():
    code = (
        "import sys, dgiqa_edge.runtime as r; r.Scorer, r.load_bundle\n"
        "print([name for name in sys.modules if name in ('torch', 'onnx')])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_every_command_has_a_help_with_an_example_and_needs_no_heavy_package_for_it():
    code = (
        "import sys\nfrom dgiqa_edge.runtime.commands.cli import main\n"
        "for command in sys.argv[1:]:\n"
        "    print('command', command)\n"
        "    assert main([command, '--help']) == 0\n"
        "    loaded = [name for name in ('torch', 'onnx', 'onnxruntime', 'cv2') if name in sys.modules]\n"
        "    assert not loaded, (command, loaded)"
    )
    # setup.py has all of them; an installation that is older may not: make venv.
    commands = sorted({*COMMANDS} & {*command_modules()})
    finished = subprocess.run([sys.executable, "-c", code, *commands], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    helps = re.split(r"^command (\w+)$", finished.stdout, flags=re.MULTILINE)[1:]
    assert helps[::2] == commands
    for command, text in zip(commands, helps[1::2], strict=True):
        assert f"usage: dgiqa-edge {command}" in text
        assert "example" in text.lower()


SOURCES = {".py", ".cpp", ".hpp", ".h", ".c", ".cu", ".js", ".css", ".html", ".cmake"}
# One file that other projects copy as it is, and what others wrote.
MAY_BE_LONG = {"runtime/native/include/dgiqa_edge.hpp", "runtime/watch/dashboard/static/uPlot.iife.min.js"}


def test_files_stay_small_and_well_named():
    files = [
        path for folder in (*house.ROOMS, "tests") for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES
    ]
    assert len(files) > 500
    long = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    assert long <= MAY_BE_LONG
    assert not [path for path in files if path.stem in {"utils", "helpers", "common", "misc", "manager"}]


def late_constants(text):
    """Lines of constants that stand below a class or function and need none of them: a reader looks for them on top."""
    defined = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            defined.add(node.name)
        elif defined and isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
            made = {target.id for target in targets if isinstance(target, ast.Name)}
            if names & defined:
                defined |= made
            elif any(name.lstrip("_")[:1].isupper() for name in made):
                yield node.lineno


def test_constants_stand_on_top():
    offenders = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in house.python_files()
        for line in late_constants(path.read_text(encoding="utf-8"))
    ]
    assert not offenders


def test_the_check_of_constants_sees_a_late_one():
    assert list(late_constants("A = 1\ndef f(): ...\nB = 2\nC = f()\nD = C + 1\n_lock = 3\n")) == [3]


# What other programs wrote may hold what it likes; only what a user or this project wrote is read strictly.
FOREIGN_JSON = {
    "benchmarks/environment.py",  # CUDA's version.json
    "benchmarks/native/comparison.py",  # the output of a program just run
    "benchmarks/latency/node_shares.py",  # ONNX Runtime's profile
    "runtime/engines/tensorrt/inspector.py",  # TensorRT's inspector
    # A pipe between two processes of ours.
    "runtime/watch/sources/decoding/process.py",
    "runtime/watch/sources/decoding/program.py",
}
READERS = {"json.load", "json.loads", "json.JSONDecoder", "yaml.load", "yaml.safe_load", "toml.load", "toml.loads"}
READERS |= {f"{name}.{call}" for name in ("tomllib", "tomli") for call in ("load", "loads")}


def lenient_readers(path):
    """Calls that read JSON, YAML or TOML with a library's own rules; ``json.loads(json.dumps(...))`` reads no file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS:
            given = node.args[0] if node.args else None
            if not (isinstance(given, ast.Call) and ast.unparse(given.func) == "json.dumps"):
                yield f"{path.name}:{node.lineno}: {ast.unparse(node.func)}"


def test_files_are_read_by_the_one_strict_reader_of_their_format():
    """A library's own reader takes a key that stands twice and lets the last win: ``runtime/ground/strict_text.py``."""
    broken = [
        found
        for room in house.ROOMS
        for path in modules(room)
        if path.name != "strict_text.py" and path.relative_to(ROOT).as_posix() not in FOREIGN_JSON
        for found in lenient_readers(path)
    ]
    assert not broken


def test_the_check_of_readers_sees_a_lenient_one(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("import json, yaml\njson.loads(json.dumps({}))\njson.loads(text)\nyaml.safe_load(text)\n")
    assert [found.partition(": ")[2] for found in lenient_readers(bad)] == ["json.loads", "yaml.safe_load"]


# What must be written in one place only, because a new place would forget why: pattern -> (files, where it belongs).
ONE_PLACE = {
    # Crash or fail on a name that is not UTF-8, and wait for ever on a pipe.
    r"cv2\.(imread|imwrite|imreadmulti|imcount|imdecodemulti|haveImage\w+|FileStorage|Animation|dnn\.read\w+)\b": (
        set(),
        "read_image, decode_image or imencode and atomic.write_bytes",
    ),
    r"cv2\.imdecode\b": (
        # The others decode what they encoded themselves a moment ago.
        {
            "runtime/frames/images.py",
            "benchmarks/latency/frame_feed.py",
            "calibration/degradations/codecs.py",
            "calibration/degradations/sensor.py",
            "training/data/rgbd.py",
        },
        "runtime/frames/images.py's decode_image",
    ),
    # Names that are not UTF-8 become half pairs, which other parsers refuse. The others compare with themselves.
    r"\bjson\.dumps?\(": (
        {
            "runtime/ground/names.py",
            "runtime/hashing.py",
            "runtime/gate/policy_file.py",
            "runtime/bundle/replay_stamps.py",
            "runtime/watch/sources/decoding/process.py",
            "runtime/watch/sources/decoding/program.py",
            "export/stages/stages.py",
            "export/tensorrt/engines.py",
            "benchmarks/measures/measures.py",
            "benchmarks/report/document.py",
            "training/data/row_store.py",
            "training/trainers/run_folder.py",
        },
        "runtime/ground/names.py's json_text",
    ),
    # With two pictures it is the second of two overloads. OpenCV first turns the other one's refusal into text, and the
    # process dies where a signal's handler raises at that moment: PyObject_Str gives NULL, which OpenCV reads.
    r"cv2\.norm\((?!cv2\.absdiff\()": (set(), "cv2.norm(cv2.absdiff(one, other), kind)"),
    r"cv2\.VideoCapture\(": ({"runtime/watch/sources/decoding/program.py"}, "runtime/watch/sources"),
    # The benchmark writes a film of its own to read.
    r"cv2\.VideoWriter\(": (
        {"runtime/watch/sinks/video_pipeline.py", "benchmarks/cameras/gate_soak.py"},
        "runtime/watch/sinks/video_pipeline.py",
    ),
    # One forgotten escape is a hole; the templates escape all. This one looks for secrets in what others have escaped.
    r"(?<!re\.)\bescape\(|\bMarkup\(|</\w+>": (
        {"runtime/settings/credentials.py"},
        "a template (runtime/ground/pages/html.py)",
    ),
    # Waits for ever on a pipe, never ends on a device. The others read what the project or the system wrote itself.
    r"\.read_(bytes|text)\(": (
        {
            *(
                "runtime/ground/limits.py",
                "runtime/gate/policy.py",
                "runtime/gate/vocabulary.py",
                "runtime/machine/jetson.py",
                "runtime/bundle/replay_stamps.py",
                "runtime/bundle/checks.py",
                "runtime/machine/processor.py",
            ),
            *("runtime/machine/memory.py", "runtime/machine/nvidia.py", "runtime/machine/fact.py"),
            *("runtime/settings/secret.py", "runtime/ground/extra_packages.py"),
            *("runtime/engines/tensorrt/just_in_time.py", "runtime/engines/tensorrt/versions.py"),
            *(
                "calibration/int8/result.py",
                "export/stages/stages.py",
                "export/tensorrt/timing_cache.py",
                "export/weights/hub.py",
            ),
            *("export/tensorrt/calibrator.py", "benchmarks/measures/brisque.py", "benchmarks/telemetry/sysfs_files.py"),
            *("benchmarks/report/document.py", "benchmarks/report/subject.py"),
            *(
                "benchmarks/cameras/camera_outage.py",
                "benchmarks/latency/loadgen.py",
                "benchmarks/latency/node_shares.py",
            ),
            *(
                "benchmarks/accuracy/degradation_order.py",
                "benchmarks/native/first_verdict.py",
            ),
            *(
                "benchmarks/telemetry/machine_load.py",
                "training/trainers/run_folder.py",
                "training/data/row_store.py",
            ),
        },
        "runtime/ground/input_file.py's file_bytes",
    ),
    # Ties, constant values and the order of sums, each decided once. PyTorch's own is a loss, of tensors.
    r"\b(rankdata|spearmanr|pearsonr|corrcoef|return_inverse)\b|\bdef _?(spearman|pearson|average_ranks?)\b": (
        {"calibration/statistics.py"},
        "calibration/statistics.py's pearson and spearman",
    ),
    # Threads, spinning, integer kernels and a quiet log, each decided once; a test may open what it likes.
    r"(?m)\b(InferenceSession|SessionOptions)\(|^\s*import onnxruntime\b": (
        {"runtime/engines/session.py"},
        "runtime/engines/session.py's open_session",
    ),
    # What to say of an error without words, and which of its lines says most. The program imports nothing of ours.
    r"splitlines\(\)(\[(0|-1)\]| or )|(' '|\" \")\.join\((?!sorted).*\.split\(\)\)|def _?(first|last|one)_line\b": (
        {"runtime/ground/error_text.py", "runtime/watch/sources/decoding/program.py"},
        "runtime/ground/error_text.py's one_line or telling_line",
    ),
    # How often a line is drawn, what stays of it, and what a log gets of it, each decided once.
    r"\bisatty\(|\\x1b|rich\.progress": (
        {"runtime/commands/progress.py", "runtime/ground/terminal.py"},
        "runtime/commands/progress.py's Progress or runtime/ground/terminal.py's coloured",
    ),
    # Forgets what is not yet flushed. The decoder program has nothing of the kind and imports nothing of ours.
    r"\bos\._exit\(": (
        {"runtime/commands/abrupt_exit.py", "runtime/watch/sources/decoding/program.py"},
        "runtime/commands/abrupt_exit.py's end",
    ),
    # Read by Arrow's own threads: one that lets go of Python's bytes as the interpreter ends aborts the process.
    r"\bread_table\(|pyarrow\.dataset": (set(), "runtime/scoring/bulk/store.py's Store.batches"),
    # Raises on a loop of links (RuntimeError up to Python 3.12); a user's input may be one.
    r"image\.resolve\(|path\.resolve\(": (set(), "os.path.realpath"),
}


def code_of(path):
    """A file's text without its documentation strings."""
    return re.sub(r'"""(.|\n)*?"""', "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("pattern", ONE_PLACE)
def test_what_belongs_into_one_place_stands_there_only(pattern):
    allowed, instead = ONE_PLACE[pattern]
    offenders = {
        str(path.relative_to(ROOT))
        for room in house.ROOMS
        for path in modules(room)
        if re.search(pattern, code_of(path))
    }
    assert offenders == allowed, f"take {instead}; a file that needs it no more leaves the list"


def test_no_template_shows_a_text_as_it_is():
    templates = [path for room in house.ROOMS for path in (ROOT / room).rglob("*.j2")]
    assert templates
    assert not [path for path in templates if re.search(r"\|\s*safe\b|autoescape", path.read_text(encoding="utf-8"))]
