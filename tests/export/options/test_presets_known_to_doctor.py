"""The runtime may not import the export room, so doctor names the presets itself: here the two lists are compared."""

from dgiqa_edge.export.options.presets import PRESETS
from dgiqa_edge.runtime.engines import backend


def test_doctor_knows_every_preset_and_its_networks() -> None:
    built = {
        name: tuple(dict.fromkeys((preset.depth_network, preset.quality_network))) for name, preset in PRESETS.items()
    }
    assert dict(backend.PRESETS) == built
