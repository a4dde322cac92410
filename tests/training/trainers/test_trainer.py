import pytest
import torch

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.training.trainers.trainer import device_of


@pytest.mark.parametrize(
    ("name", "gpu", "device"),
    [("auto", False, "cpu"), ("auto", True, "cuda"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_gpu_is_taken_where_there_is_one_unless_told_otherwise(monkeypatch, name, gpu, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert device_of(name).type == device


def test_a_gpu_that_is_asked_for_and_missing_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MachineError, match="leave --device out"):
        device_of("cuda")
