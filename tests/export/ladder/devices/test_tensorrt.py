"""Which rungs make sense on which TensorRT."""

from types import SimpleNamespace

import pytest

from dgiqa_edge.export.ladder.devices.tensorrt import TensorRtDevice
from dgiqa_edge.export.ladder.rungs import RUNGS
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of


@pytest.mark.parametrize(
    ("version", "flavour", "refused"),
    [
        ("8.6.1", "tensorrt", {"fp16-attention"}),
        ("11.2.0", "tensorrt", {"fp16-attention"}),
        ("11.3.0", "tensorrt", set()),
        ("11.4.0.106", "tensorrt", set()),
        ("1.7.1", "tensorrt-rtx", {"fp16-attention"}),
    ],
)
def test_a_rung_is_tried_where_the_version_can_do_what_it_is_for(version, flavour, refused):
    machine = SimpleNamespace(support=support_of(version, flavour), label=f"TensorRT {version}")
    device = TensorRtDevice(machine, None, None, None, None)
    told = {rung.name: device.obstacle(rung.precision, rung.islands) for rung in RUNGS}
    assert {name for name, why in told.items() if why} == refused
    assert all("11.3 and newer do" in told[name] for name in refused)
