"""Which weights are taken of checkpoints that hold a moving average beside those of the last step."""

import pytest
import torch

from dgiqa_edge.export.weights.checkpoints import read_for
from dgiqa_edge.export.weights.weight_sets import Wish
from dgiqa_edge.runtime.errors import CheckpointError


@pytest.fixture
def average(quality_state):
    """Another filled state dict of the same network."""
    return {key: tensor * 2 if tensor.is_floating_point() else tensor + 7 for key, tensor in quality_state.items()}


def prefixed(prefix, state):
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


def parameters(state):
    return {key: tensor for key, tensor in state.items() if "running" not in key and "num_batches" not in key}


BOTH = {
    "timm": lambda last, ema: {"epoch": 3, "arch": "x", "state_dict": last, "optimizer": {}, "state_dict_ema": ema},
    "deit": lambda last, ema: {"model": last, "model_ema": ema, "scaler": {"scale": torch.ones(1)}},
    "basicsr": lambda last, ema: {"params": last, "params_ema": ema},
    "average first": lambda last, ema: {"ema": ema, "model": last},
    "ema_state_dict": lambda last, ema: {"state_dict": last, "ema_state_dict": ema},
    "ema_model": lambda last, ema: {"net": last, "ema_model": prefixed("module.", ema)},
    "rt-detr": lambda last, ema: {"model": last, "ema": {"module": ema, "updates": 90, "warmups": 2}},
    "averaged model": lambda last, ema: {
        "model": prefixed("module.", last),
        "swa_model": {"n_averaged": torch.tensor(4), **prefixed("module.", ema)},
    },
    "mean teacher": lambda last, ema: {"student": prefixed("module.", last), "teacher": ema},
    "callback": lambda last, ema: {"state_dict": prefixed("model.", last), "callbacks": {"EMA": {"ema_state": ema}}},
    "lightning module": lambda last, ema: {
        "state_dict": {**prefixed("model.", last), **prefixed("ema_model.module.", ema)}
    },
    "lightning prefix": lambda last, ema: {"state_dict": {**last, **prefixed("ema_", ema)}},
    "flat teacher": lambda last, ema: {**prefixed("student.", last), **prefixed("teacher.", ema)},
    "lucidrains": lambda last, ema: {
        "model": last,
        "ema": {
            "initted": torch.tensor(True),
            "step": torch.tensor(9),
            **prefixed("online_model.", last),
            **prefixed("ema_model.", ema),
        },
    },
    "moving average": lambda last, ema: {"model": last, "moving_average": ema},
    "averaged by name": lambda last, ema: {"state_dict": last, "avg_model": prefixed("module.", ema)},
    "polyak": lambda last, ema: {"model": last, "model_polyak": ema},
    "nested": lambda last, ema: {"model": {"state_dict": last, "ema": ema}},
    "safe": lambda last, ema: {**prefixed("model.", last), **prefixed("model_ema.", ema)},
}


def read(content, tmp_path, **wish):
    path = tmp_path / "w.pth"
    torch.save(content, path)
    return read_for(path, "dgiqa", Wish(**wish))


def assert_is(state, expected):
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.mark.parametrize("layout", BOTH)
def test_the_moving_average_is_taken_and_said(quality_state, average, tmp_path, layout):
    file = read(BOTH[layout](quality_state, average), tmp_path)
    assert_is(file.state, average)
    assert "moving average (EMA)" in file.note
    assert "--no-ema takes these" in file.note
    assert f"took '{file.taken}'" in file.note


@pytest.mark.parametrize("layout", BOTH)
def test_no_ema_takes_the_last_step(quality_state, average, tmp_path, layout):
    file = read(BOTH[layout](quality_state, average), tmp_path, ema=False)
    assert_is(file.state, quality_state)
    assert "those of the last step" in file.note


def test_parameters_alone_are_completed_with_the_running_statistics(quality_state, average, tmp_path):
    expected = {**quality_state, **parameters(average)}
    for ema in (
        {"ema": parameters(average)},
        {"ema": {"shadow": parameters(average)}},
        {"model_ema": {key.replace(".", ""): tensor for key, tensor in parameters(average).items()}},
    ):
        file = read({"model": quality_state, **ema}, tmp_path)
        assert_is(file.state, expected)
        assert "took '" in file.note


def half(state):
    return dict(list(state.items())[:4])


def renamed(state):
    return prefixed("other.", state)


def reshaped(state):
    return {**state, "2.weight": torch.randn(1, 9)}


@pytest.mark.parametrize(("spoil", "reason"), [
    (half, "4 of the 9 entries of 'model' are in it"),
    (renamed, "0 of the 9 entries of 'model' are in it"),
    (reshaped, "8 of the 9 entries of 'model' are in it"),
    (lambda state: {**state, "2.weight": torch.zeros(1, 4)}, "1 of 2 layers hold one number only"),
    (lambda state: {**state, "2.weight": torch.full((1, 4), torch.nan)}, "2.weight holds values that are not finite"),
    (lambda state: {}, "the entry 'ema' holds no weights by name"),
    (lambda state: {"shadow_params": list(state.values()), "decay": 0.9}, "the entry 'ema' holds no weights by name"),
    (lambda state: list(state.values()), "the entry 'ema' holds no weights by name"),
])  # fmt: skip
def test_an_average_that_is_not_whole_is_left_with_a_message(quality_state, average, tmp_path, spoil, reason):
    file = read({"model": quality_state, "ema": spoil(average)}, tmp_path)
    assert_is(file.state, quality_state)
    assert file.note.startswith("took 'model', those of the last step")
    assert reason in file.note


@pytest.mark.parametrize("content", [lambda s: s, lambda s: {"model": s, "ema": None, "ema_decay": 0.99}])
def test_no_choice_needs_no_word(quality_state, tmp_path, content):
    file = read(content(quality_state), tmp_path)
    assert_is(file.state, quality_state)
    assert file.note is None


def test_other_weights_of_the_same_network_are_told(quality_state, average, tmp_path):
    file = read({"model": quality_state, "best": average}, tmp_path)
    assert_is(file.state, quality_state)
    assert file.note.startswith("took 'model'; the file also holds 'best'")


def test_an_average_alone_is_taken(quality_state, average, tmp_path):
    file = read({"epoch": 1, "ema": average}, tmp_path)
    assert_is(file.state, average)
    assert "moving average" in file.note
    with pytest.raises(CheckpointError, match="holds only averaged weights"):
        read({"ema": average}, tmp_path, ema=False)


def test_mmengine_swaps_the_two(quality_state, average, tmp_path):
    content = {
        "meta": {"mmengine_version": "0.10"},
        "state_dict": average,
        "ema_state_dict": {"steps": torch.tensor(3), **prefixed("module.", quality_state)},
    }
    file = read(content, tmp_path)
    assert_is(file.state, average)
    assert "where MMEngine stores the moving average" in file.note


def test_a_teacher_of_another_architecture_is_no_average(quality_state, tmp_path):
    file = read(
        {"student": quality_state, "teacher": {"0.weight": torch.randn(5, 3), "0.bias": torch.ones(5)}}, tmp_path
    )
    assert_is(file.state, quality_state)


def test_a_named_entry_is_taken(quality_state, average, tmp_path):
    content = {"model": average, "best": {"weights": quality_state}}
    assert_is(read(content, tmp_path, key="best.weights").state, quality_state)
    assert_is(read(content, tmp_path).state, average)
    with pytest.raises(CheckpointError, match=r"has no weights 'best': its sets are 'model', 'best.weights'"):
        read(content, tmp_path, key="best")
    with pytest.raises(CheckpointError, match=r"do not say which to take \('best'\): give --weights-key"):
        read({"best": quality_state}, tmp_path)


def test_a_dictionary_that_holds_itself_ends(quality_state, tmp_path):
    content = {"ema": quality_state}
    content["model"] = content
    assert_is(read(content, tmp_path).state, quality_state)
