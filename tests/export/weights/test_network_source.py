"""Weights by file or by seed, and what the manifest says of them."""

import pytest

from dgiqa_edge.export.weights.network_source import SHIPPED_WEIGHTS, NetworkSource, published_licence
from dgiqa_edge.runtime.errors import CheckpointError


@pytest.mark.parametrize(
    ("network", "licence"),
    [
        ("depth_anything_v1_vitl", "Apache-2.0"),
        ("depth_anything_v2_vits", "Apache-2.0"),
        ("depth_anything_v2_vitl", "CC-BY-NC-4.0"),
        ("dgiqa", "not stated by the authors"),
    ],
)
def test_the_licence_is_the_published_one(network, licence):
    assert published_licence(network) == licence


def test_weights_that_ship_have_the_licence_of_the_project_and_other_files_do_not(tmp_path):
    shipped = NetworkSource.of("both", "nano", SHIPPED_WEIGHTS / "nano.safetensors", "s").manifest_entry()
    assert shipped["licence"] == "Apache-2.0, see the model card"
    own = tmp_path / "nano.safetensors"
    own.write_bytes(b"x")
    assert NetworkSource.of("both", "nano", own, "s").manifest_entry()["licence"] == "not stated by the authors"


def test_seeded_weights_say_so():
    entry = NetworkSource.of("quality", "dgiqa", None, "s").manifest_entry()
    assert (entry["seeded"], entry["checkpoint_sha256"]) == (True, None)
    assert "seeded" in entry["licence"]


def test_the_identity_follows_the_file_not_its_name(tmp_path):
    one, two, other = (tmp_path / name for name in ("a.pth", "b.pth", "c.pth"))
    one.write_bytes(b"x")
    two.write_bytes(b"x")
    other.write_bytes(b"y")
    identities = [NetworkSource.of("depth", "dgiqa", path, "s").identity() for path in (one, two, other)]
    assert identities[0] == identities[1] != identities[2]


def test_a_seed_makes_no_difference_beside_a_file(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"x")
    assert NetworkSource.of("depth", "d", path, "1").identity() == NetworkSource.of("depth", "d", path, "2").identity()


def test_a_missing_file_is_a_checkpoint_error(tmp_path):
    with pytest.raises(CheckpointError, match="do not exist"):
        NetworkSource.of("depth", "d", tmp_path / "none.pth", "s")


def test_what_a_file_states_of_its_licence_is_repeated(tmp_path):
    from safetensors.torch import save_file

    from dgiqa_edge.export import networks
    from dgiqa_edge.export.weights.seeding import seed_weights

    file = tmp_path / "own.safetensors"
    head = networks.create("edge_head")
    seed_weights(head, "test")
    save_file(head.state_dict(), str(file), metadata={"licence": "mine", "remark": "no better"})
    source = NetworkSource.of("quality", "edge_head", file, "s")
    source.load()
    assert (source.said["licence"], source.said["remark"]) == ("mine", "no better")
    assert source.manifest_entry(licence="mine")["licence"] == "mine"
