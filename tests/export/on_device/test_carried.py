"""Which graph of a bundle is taken for a version, what is kept of it, and that NVIDIA's own builder takes it."""

import json
from dataclasses import replace

import pytest
from stand_ins import fake_tensorrt

from dgiqa_edge.export.on_device import carried as carrying
from dgiqa_edge.export.on_device.builder_memory import build
from dgiqa_edge.export.on_device.carried import kept_files, open_source, parser_graphs, to_build
from dgiqa_edge.runtime.engines.tensorrt.versions import supports
from dgiqa_edge.runtime.errors import BundleError, EngineCompatibilityError

VERSIONS = [*(entry["name"] for entry in fake_tensorrt.versions()), *(support.since for support in supports())]


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_every_version_finds_a_graph_of_each_precision_for_each_role(written, layout):
    source = open_source(written(layout))
    chosen = {}
    for version in VERSIONS:
        for one in source.carried:
            found = parser_graphs(source.bundle.manifest, one.precision, "tensorrt", version)
            assert tuple(found) == source.bundle.roles
            chosen[tuple(graph.file for graph in found.values())] = one, found
    for one, found in chosen.values():
        graphs, _ = to_build(source.bundle, found)
        for graph in graphs.values():
            assert graph().facts.precision == one.precision
            assert graph().facts.has_fp16 == one.record.precision.has_half
    with pytest.raises(EngineCompatibilityError, match=r"no fp16 graph for tensorrt 7.0 .*>=8.5,<8.6, >=8.6"):
        parser_graphs(source.bundle.manifest, "fp16", "tensorrt", "7.0")


def test_another_graph_or_other_facts_are_another_build(written):
    bundle = open_source(written("split")).bundle
    keys = set()
    for version in ("8.5.3", "8.6.0", "10.3.0"):
        for precision in ("int8", "fp16", "fp32"):
            keys.add(to_build(bundle, parser_graphs(bundle.manifest, precision, "tensorrt", version))[1])
    assert len(keys) == 3 + 2 + 2  # 8.6 reads INT8 weights alone otherwise than 10


def test_what_is_kept_is_all_that_another_build_needs(written):
    source = open_source(written("split"))
    left = set(source.bundle.manifest.files) - set(kept_files(source))
    assert left == {"report.json"}


def test_facts_that_describe_no_graph_are_refused(written, monkeypatch):
    source = open_source(written("fused"))
    found = parser_graphs(source.bundle.manifest, "fp32", "tensorrt", "10.3.0")
    monkeypatch.setattr(carrying, "parse_json", lambda text: {"precision": "fp32"})
    with pytest.raises(BundleError, match="does not describe a graph"):
        to_build(source.bundle, found)[0]["fused"]()


def test_a_precision_that_lacks_a_roles_graph_is_refused_before_anything_is_built(from_desktop):
    manifest = from_desktop("split") / "bundle.json"
    document = json.loads(manifest.read_text())
    del document["device_build"]["carried"][1]["graphs"][0]
    manifest.write_text(json.dumps(document))
    with pytest.raises(BundleError, match=r"but 'device_build.carried\[1\].graphs' has \['quality'\]"):
        open_source(manifest.parent)


def test_a_precision_without_its_fidelity_is_refused(written, monkeypatch):
    bundle = open_source(written("fused")).bundle
    device = bundle.manifest.device_build
    blank = replace(device, carried=tuple(replace(one, fidelity=None) for one in device.carried))
    spoilt = replace(bundle, manifest=replace(bundle.manifest, device_build=blank))
    monkeypatch.setattr(carrying, "load_bundle", lambda path: spoilt)
    with pytest.raises(BundleError, match="does not say how far its int8 is from FP32"):
        open_source(bundle.path)


@pytest.mark.filterwarnings("ignore:.*Timing cache operations are no-ops:DeprecationWarning")
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_nvidias_own_builder_takes_the_graphs_that_are_chosen(written, tmp_path, layout):
    pytest.importorskip("tensorrt_rtx_bindings", reason="the extra tensorrt-rtx is not installed here")
    source = open_source(written(layout))
    for one in source.carried:
        files = build(source, one, tmp_path / one.precision)
        assert tuple(files.plans) == source.bundle.roles
        assert all(plan.stat().st_size > 0 for plan in files.plans.values())
