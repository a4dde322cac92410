"""The weights that the networks' authors publish: where, under which licence, and which bytes exactly.

This is data; ``hub.py`` downloads by it. DGIQA's weights are not on the Hugging Face hub: for them this only says
where they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError

DGIQA_WEIGHTS = (
    "the weights of dgiqa are not on the Hugging Face hub: the authors publish KADID-10k and KonIQ-10k weights in the "
    "Dropbox folder linked under 'Pretrained Weights' at https://github.com/uf-robopi/DGIQA; download one there, then "
    "run 'dgiqa-edge weights check FILE --network dgiqa'"
)


@dataclass(frozen=True)
class Published:
    """One published weights file.

    Attributes:
        network: name that ``networks.create`` knows.
        kind: ``model`` or ``space``: the sort of hub repository.
        file: path in the repository.
        revision: commit, or ``main`` where none is known; then the SHA-256 alone pins the file.
        sha256: of the file; ``None`` where none is known.
        licence: SPDX name of the weights' licence.
    """

    name: str
    network: str
    repository: str
    kind: str
    file: str
    revision: str
    sha256: str | None
    licence: str


def get(name: str) -> Published:
    """The published weights of that name or of the network of that name.

    Raises:
        CheckpointError: ``dgiqa``: the message says where the authors publish its weights.
        ConfigurationError: nothing is published under that name.
    """
    key = name.lower().replace("_", "-")
    for published in PUBLISHED.values():
        if key in (published.name, published.network.replace("_", "-")):
            return published
    if key.startswith("dgiqa"):
        raise CheckpointError(DGIQA_WEIGHTS)
    raise ConfigurationError(f"no published weights {name!r}: choose one of {', '.join(PUBLISHED)}, or dgiqa")


# Where the pins come from: public projects that pin these very files. The three V2 files (hash and commit) and V1 Large
# stand in many of them, V1 Base in two, V1 Small in one; they have not been compared with the hub itself. A file that
# differs is refused, never silently accepted. The V1 files lie in the authors' demo space, whose commit is not on
# record: there the hash alone pins. Licences: the authors' README (V2: Small Apache-2.0, others CC-BY-NC-4.0) and their
# answer in issue 15 of LiheYoung/Depth-Anything (V1: Apache-2.0).
PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        published.name: published
        for published in (
            Published(
                name="depth-anything-v1-small",
                network="depth_anything_v1_vits",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vits14.pth",
                revision="main",
                sha256="59afe57cfd9f4284deaf5b753d954723d7136ae842fba3e068ba03537ca1e60e",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v1-base",
                network="depth_anything_v1_vitb",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vitb14.pth",
                revision="main",
                sha256="64ae214ae4e27424b644c49464c0aa243016f6f753d95097c8eb9ad0b9cb2d9b",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v1-large",
                network="depth_anything_v1_vitl",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vitl14.pth",
                revision="main",
                sha256="6c6a383e33e51c5fdfbf31e7ebcda943973a9e6a1cbef1564afe58d7f2e8fe63",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v2-small",
                network="depth_anything_v2_vits",
                repository="depth-anything/Depth-Anything-V2-Small",
                kind="model",
                file="depth_anything_v2_vits.pth",
                revision="03876f8651c73a60fe4c2c48294e09fcb6838fcf",
                sha256="715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v2-base",
                network="depth_anything_v2_vitb",
                repository="depth-anything/Depth-Anything-V2-Base",
                kind="model",
                file="depth_anything_v2_vitb.pth",
                revision="a4e71a6c2ce52fe50df0f212066b0d4a87be9b5e",
                sha256="0d2b7002e62d39d655571c371333340bd88f67ab95050c03591555aa05645328",
                licence="CC-BY-NC-4.0",
            ),
            Published(
                name="depth-anything-v2-large",
                network="depth_anything_v2_vitl",
                repository="depth-anything/Depth-Anything-V2-Large",
                kind="model",
                file="depth_anything_v2_vitl.pth",
                revision="cbbb86a30ce19b5684b7a05155dc7e6cbc7685b9",
                sha256="a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345",
                licence="CC-BY-NC-4.0",
            ),
        )
    }
)
