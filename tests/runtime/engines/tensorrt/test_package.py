"""A TensorRT that cannot be imported: what is said, by the runtime and by doctor."""

import re
import sys

import pytest

from dgiqa_edge.runtime.engines.tensorrt.package import facts, import_tensorrt
from dgiqa_edge.runtime.engines.tensorrt.versions import MODULES
from dgiqa_edge.runtime.errors import MachineError

MISSING = "libnvdla_compiler.so: cannot open shared object file: No such file or directory"


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """``broken(problem)``: importing any TensorRT fails with that problem."""
    monkeypatch.syspath_prepend(tmp_path)

    def say(problem):
        for module in MODULES.values():
            monkeypatch.delitem(sys.modules, module, raising=False)
            (tmp_path / f"{module}.py").write_text(f"raise ImportError({problem!r})\n", encoding="utf-8")

    return say


def test_a_library_that_jetpack_7_2_lacks_is_named_with_what_to_do(broken):
    broken(MISSING)
    with pytest.raises(
        MachineError, match=r"libnvdla_compiler\.so.*JetPack's own TensorRT.*frigate/pull/23582"
    ) as caught:
        import_tensorrt()
    assert "\n" not in str(caught.value) and "  " not in str(caught.value)
    assert facts()["tensorrt"].value is None
    assert "JetPack 7.2" in facts()["tensorrt"].reason


@pytest.mark.parametrize(
    ("flavour", "remedy"),
    [("tensorrt", r"JetPack.*pip install .*\[tensorrt\]"), ("tensorrt-rtx", r": pip install .*\[tensorrt-rtx\]")],
)
def test_another_failure_says_how_to_install_it(broken, flavour, remedy):
    broken("libnvinfer.so.10: cannot open shared object file")
    with pytest.raises(MachineError, match=rf"cannot be loaded \(libnvinfer.*{remedy}"):
        import_tensorrt(flavour)
    assert facts(flavour)[flavour].value is None
    assert re.search(rf"cannot be loaded \(libnvinfer.*{remedy}", facts(flavour)[flavour].reason)


def test_doctor_says_which_one_is_loaded_and_from_where(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    (tmp_path / "tensorrt").mkdir()
    (tmp_path / "tensorrt" / "__init__.py").write_text('__version__ = "10.3.0"\n')
    monkeypatch.syspath_prepend(tmp_path)
    found = facts()
    assert (found["tensorrt"].value, found["tensorrt_from"].value) == ("10.3.0", str(tmp_path / "tensorrt"))
