"""Nobody hears that the runtime runs: an empty home stays empty, where its packages would keep an identifier."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = """
from pathlib import Path
from dgiqa_edge.runtime.engines import {module}
from onnx import TensorProto, helper
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
Path("model.onnx").write_bytes(model.SerializeToString())
{module}.{call}(Path("model.onnx"))
import sys
print("openvino_telemetry" in sys.modules)
"""
# Without them, where this machine is one of continuous integration, the packages would keep quiet of their own accord.
WATCHED = ("CI", "BUILD_", "GITHUB_", "GITLAB_", "JENKINS_", "TF_BUILD", "TEAMCITY_", "PYTEST", "ORT_", "XDG_")


def left_at_home(module: str, call: str, home: Path) -> set[str]:
    (home / "here").mkdir(parents=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith(WATCHED)}
    done = subprocess.run(
        [sys.executable, "-c", ENGINE.format(module=module, call=call)],
        env={**own, "HOME": str(home)},
        cwd=home / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} - {"here/model.onnx"}


@pytest.mark.parametrize(
    ("package", "module", "call"), [("onnxruntime", "session", "open_session"), ("openvino", "openvino", "open_graph")]
)
def test_an_engine_leaves_no_identifier(package: str, module: str, call: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    pytest.importorskip("onnx")
    assert left_at_home(module, call, tmp_path / "home") == set()


def test_a_word_of_the_user_counts(tmp_path: Path) -> None:
    code = "import os, dgiqa_edge; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == "0"
