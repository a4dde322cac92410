import pytest

from dgiqa_edge.runtime.ground.error_text import one_line, telling_line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("  two\n\tlines ", "two lines"),
        (ValueError("a\r\n  b"), "a b"),
        (ValueError(), "ValueError"),
        (ValueError(" \n "), "ValueError"),
        ("", ""),
        (None, "None"),
    ],
)
def test_all_of_it_on_one_line(said, line):
    assert one_line(said) == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", "RuntimeError"),
        ("\n \n", "RuntimeError"),
        ("it is so", "it is so"),
        ("\nNo Op registered for Foo\n==> Context: Bad node spec\n", "No Op registered for Foo"),
        (
            "Error(s) in loading state_dict for N:\n\tMissing key(s): a.\n\tsize mismatch for b",
            "size mismatch for b",
        ),
        ("Exception from src/core.cpp:92:\nCheck 'x' failed at y.cpp:3:\nno such file\n\n", "no such file"),
        ("Exception from src/core.cpp:", "Exception from src/core.cpp:"),
    ],
)
def test_the_line_that_says_most(message, line):
    assert telling_line(RuntimeError(message)) == line


def test_a_network_that_does_not_fit_is_said_by_pytorch_itself():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(RuntimeError) as caught:
        torch.nn.Linear(2, 1).load_state_dict({"weight": torch.zeros(1, 3), "bias": torch.zeros(1)})
    assert telling_line(caught.value).startswith("size mismatch for weight")


def test_a_graph_that_does_not_fit_is_said_by_openvino_itself(tmp_path):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    with pytest.raises(RuntimeError) as caught:
        openvino.Core().compile_model(str(tmp_path / "x.onnx"), "CPU")
    assert ".cpp" not in telling_line(caught.value), str(caught.value)
