"""Rules that every source file of the native runtime keeps, so that a new one cannot forget them."""

import re

import pytest
from places import ROOT

NATIVE = ROOT / "runtime" / "native"
SOURCES = sorted(path for room in ("src", "tools", "gstreamer") for path in (NATIVE / room).rglob("*.[ch]pp"))

# What is looked for -> the files that may, and why.
RULES = {
    # A backend is named by its own file, which declares it; everything else goes by the declaration.
    r'"(onnxruntime|openvino|tensorrt)"|DGIQA_WITH_(ONNXRUNTIME|OPENVINO|TENSORRT)': {
        "src/engines/onnxruntime_engine.cpp",
        "src/engines/openvino_engine.cpp",
        "src/engines/tensorrt_engine.cpp",
    },
    # A folder, a pipe, or 100 GB where a small file is expected: native/src/formats/whole_file.cpp refuses them. The
    # others read /proc and /sys, hash what has been checked, or write a file.
    r"\b(ifstream|fopen)\b": {
        "src/formats/sha256.cpp",
        "src/engines/tensorrt_engine.cpp",
        "src/engines/processor.cpp",
        "tools/system_facts.cpp",
    },
    # Without an error_code they throw at the first link in a circle.
    r"\b(recursive_)?directory_iterator\(": set(),
    r"for \(.*: *(std::filesystem|fs)::": set(),
    r"\bfs::(exists|is_\w+|file_size|weakly_canonical|create_\w+|rename|remove\w*)\([^()]*(\([^()]*\)[^()]*)*(?<!failure)"
    r"(?<!code)(?<!unknown)\)": set(),
    # A key that stands twice, deep nesting: native/src/formats/strict_json.cpp refuses them. What the library wrote is
    # read plainly.
    r"[Jj]son::parse\(|ordered_json::parse\(": {
        "src/formats/strict_json.cpp",
        "tools/bench_command.cpp",
        "tools/info_command.cpp",
    },
    # A full disk or a reader who left: native/tools/output.cpp tells.
    r"std::(printf|puts|cout)\b|\bv?printf\(|std::fputs\(.*stdout": {"tools/output.cpp"},
    # Numbers from outside have bounds: native/tools/arguments.cpp has them for every option. An expression lets few
    # digits through here.
    r"std::(atoi|atof|stoi|stol|stoul|stod|stof)\(": {
        "src/engines/version_requirement.cpp",
        "src/engines/tensorrt_compatibility.cpp",
        "src/profiles/profiles_json.cpp",
        "tools/system_facts.cpp",
    },
    r"\b(most|longest)_\w+ *= *\d": set(),  # limits are runtime/ground/limits.json's
    r"\babort\(|std::terminate|std::exit\(|[^_]\bexit\(": set(),
}


def offenders(pattern: str, allowed: set[str], files: dict[str, str]) -> list[str]:
    """``file:line`` of what matches outside the allowed files; comments aside."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in files.items()
        if name not in allowed
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line.partition("//")[0])
    ]


@pytest.mark.parametrize("pattern", RULES, ids=range(len(RULES)))
def test_sources_keep_the_rule(pattern: str) -> None:
    files = {path.relative_to(NATIVE).as_posix(): path.read_text(encoding="utf-8") for path in SOURCES}
    assert len(files) > 80
    assert not offenders(pattern, RULES[pattern], files)
    for name in RULES[pattern]:
        assert offenders(pattern, set(), {name: files[name]}), f"{name} no longer needs to be excepted"


@pytest.mark.parametrize(
    "line",
    [
        "    std::ifstream file(path);",
        "for (const auto &entry : fs::directory_iterator(folder))",
        "if (fs::exists(path)) return;",
        "if (fs::is_regular_file(path.parent_path())) return;",
        "const auto document = nlohmann::json::parse(text);",
        'std::printf("%d", 1);',
        "const int threads = std::stoi(text);",
        "if (worse) std::abort();",
        'if (record.backend == "openvino") return load_openvino(bundle);',
    ],
)
def test_the_rules_see_an_offender(line: str) -> None:
    assert any(offenders(pattern, set(), {"new.cpp": line}) for pattern in RULES)


def test_the_rules_let_the_right_way_pass() -> None:
    line = "if (fs::exists(path, code) && fs::is_directory(path.parent_path(), failure)) std::fputs(text, stderr);"
    assert not any(offenders(pattern, set(), {"new.cpp": line}) for pattern in RULES)
