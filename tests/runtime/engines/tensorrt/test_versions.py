"""The version table: every range is reachable, every entry well-formed, and the facts that decisions rest on hold."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.engines.tensorrt import versions as versions
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of, known_bad, operator_supported, support_of
from dgiqa_edge.runtime.errors import EngineCompatibilityError
from dgiqa_edge.runtime.machine.jetson import jetpacks


@pytest.mark.parametrize(
    ("version", "typing", "calibration", "inspector", "dla"),
    [
        ("8.5.2.2", "weak", "yes", "Bindings", "any"),
        ("8.6.1.6", "weak", "yes", "Bindings", "any"),
        ("10.3.0.26", "partial", "deprecated", "Bindings", "any"),
        ("10.7.0", "partial", "deprecated", "Bindings", "any"),
        ("10.8.0.43", "partial", "deprecated", "Bindings", "none"),
        ("10.13.3.9", "strong", "deprecated", "Bindings", "none"),
        ("11.0.0", "only", "removed", "I/O Tensors", "none"),
        ("11.4.0", "only", "removed", "I/O Tensors", "none"),
        ("11.4.1", "only", "removed", "I/O Tensors", "agx_orin"),
    ],
)
def test_each_version_finds_its_range(version, typing, calibration, inspector, dla):
    support = support_of(version)
    assert (support.typing, support.implicit_calibration) == (typing, calibration)
    assert (support.inspector, support.dla) == (inspector, dla)


@pytest.mark.parametrize("version", ["8.4.1", "9.3.0", "12.0", "7.1", ""])
def test_a_version_outside_the_table_is_refused_with_what_is_known(version):
    with pytest.raises(EngineCompatibilityError, match=r"8\.5 and newer, below 12"):
        support_of(version)


@pytest.mark.parametrize(("version", "known"), [("1.6.0", False), ("1.7.1.116", True), ("1.8", False)])
def test_another_flavour_counts_its_versions_apart(version, known):
    if known:
        support = support_of(version, "tensorrt-rtx")
        assert (support.title, support.typing) == ("TensorRT-RTX", "only")
        assert support.int8_weights == support_of(support.api_of).int8_weights
    else:
        with pytest.raises(EngineCompatibilityError, match=rf"TensorRT-RTX {version} .* 1\.7 and newer, below 1\.8\)"):
            support_of(version, "tensorrt-rtx")
    with pytest.raises(EngineCompatibilityError, match="without 9"):
        support_of(version)


def test_only_8_5_lacks_layer_normalization_and_the_builder_settings():
    old, new = support_of("8.5.3"), support_of("8.6.0")
    assert (old.layer_normalization, old.optimization_level, old.aux_streams, old.version_compatible) == (False,) * 4
    assert (new.layer_normalization, new.optimization_level, new.aux_streams, new.version_compatible) == (True,) * 4


@pytest.mark.parametrize(
    ("version", "stores"), [("8.5.3", False), ("8.6.1", False), ("10.3", True), ("11.0", True), ("11.4.1", True)]
)
def test_int8_weights_are_stored_since_10(version, stores):
    assert support_of(version).int8_weights is stores


@pytest.mark.parametrize(
    ("version", "monitor", "fp32_attention"),
    [
        ("8.6.1", False, False),
        ("10.0.0", True, False),
        ("11.2.1", True, False),
        ("11.3", True, True),
        ("11.4.0.106", True, True),
        ("11.4.1", True, True),
    ],
)
def test_what_came_with_10_and_with_11_3(version, monitor, fp32_attention):
    support = support_of(version)
    assert (support.progress_monitor, support.fp32_attention) == (monitor, fp32_attention)


def test_the_flags_end_with_11():
    assert support_of("10.16").has_precision_flags
    assert not support_of("11.0").has_precision_flags
    assert not support_of("11.0").has_implicit_calibration


def test_the_data_is_well_formed():
    data = versions._data()
    ids = [entry["id"] for entry in data["known_bad"]]
    assert len(set(ids)) == len(ids)
    kinds = {kind for tags in data["families"].values() for kind in tags}
    for entry in versions._known_bad():
        assert entry.action in versions.ACTIONS
        assert set(entry.precisions) <= set(versions.PRECISIONS)
        assert set(entry.families) <= kinds
        assert all(sm.isdigit() for sm in entry.sm)
        assert entry.reference.startswith("https://")
        assert entry.symptom and entry.remedy
    assert {entry.get("flavour", "tensorrt") for entry in data["support"]} == set(versions.TITLES)
    for support in (support for flavour in versions.TITLES for support in versions.supports(flavour)):
        assert support.typing in versions.TYPINGS
        assert set(support.sources) <= set(data["sources"])
    assert set(data["sources"]) == {key for entry in data["support"] for key in entry["sources"]}
    for library in data["missing_library"]:
        assert library["reference"].startswith("https://") and "\n" not in library["remedy"]


def test_every_network_of_ours_has_its_families():
    networks = pytest.importorskip("dgiqa_edge.export.networks", reason="the export room is not installed")
    assert set(versions._data()["families"]) == set(networks.names())


def test_reports_fit_by_version_family_precision_and_sm():
    def found(**build):
        return {entry.id for entry in known_bad(**build)}

    orin = {"version": "10.3.0.30", "sm": "87"}
    assert "depth-anything-v2-10.3" in found(families=families_of(["depth_anything_v2_vits"]), precision="int8", **orin)
    assert "depth-anything-v2-10.3" not in found(
        families=families_of(["depth_anything_v1_vits"]), precision="int8", **orin
    )
    assert "vit-fp16-10.3" in found(families=["vit"], precision="fp16", version="10.3", sm=None)
    assert "vit-fp16-10.3" not in found(families=["vit"], precision="fp32", version="10.3", sm=None)
    assert "fused-mha-sm120" not in found(families=["vit"], precision="fp16", version="10.13", sm="89")
    assert found(families=families_of(["nano"]), precision="int8", version="10.3", sm="87") == set()
    assert "vit-fp32-10.3" in found(families=["vit"], precision="fp32", **orin)
    assert "vit-fp32-10.3" not in found(families=["vit"], precision="int8", **orin)
    assert found(families=[], precision="fp32", version="10.2.0.19", sm=None) == {"wheel-10.2.0"}


def test_implicit_int8_on_attention_is_refused_and_on_nano_is_not():
    build = {"version": "8.5.2", "precision": "implicit_int8", "sm": "87"}
    assert [entry.action for entry in known_bad(families=families_of(["dgiqa"]), **build)] == ["refuse"]
    assert known_bad(families=families_of(["nano"]), **build) == ()


def test_a_message_names_the_report_and_the_remedy():
    (entry,) = known_bad("10.4.0", families=["vit"], precision="int8", sm="86")
    assert "issues/4742" in entry.message()
    assert "10.5" in entry.message()
    assert "\n" not in entry.message()


@pytest.mark.parametrize(
    ("operator", "version", "expected"),
    [
        ("Conv", "8.5", True),
        ("Mod", "8.5", True),
        ("LayerNormalization", "8.5.3", False),
        ("LayerNormalization", "8.6", True),
        ("Gelu", "8.6.1", False),
        ("Gelu", "10.0", True),
        ("DFT", "8.6", False),
        ("DFT", "10.13", None),
    ],
)
def test_operators_by_version(operator, version, expected):
    assert operator_supported(operator, version) is expected


def test_every_jetpack_with_a_supported_tensorrt_finds_its_range():
    assert [jetpack.version for jetpack in jetpacks() if jetpack.tensorrt != "8.4.1"] == [
        jetpack.version for jetpack in jetpacks()[1:] if support_of(jetpack.tensorrt)
    ]


@given(st.tuples(st.integers(0, 13), st.integers(0, 20), st.integers(0, 5)))
def test_ranges_do_not_overlap(parts):
    version = ".".join(map(str, parts))
    fitting = [s for s in versions.supports() if versions._within(version, s.since, s.below)]
    assert len(fitting) <= 1


def test_the_reader_loads_no_tensorrt():
    code = "import sys\nfrom dgiqa_edge.runtime.engines.tensorrt.versions import support_of\nsupport_of('10.3')\n"
    code += "print([name for name in sys.modules if name.startswith('tensorrt')])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
