"""Where each network's weights come from: a checkpoint file, or a seed where none was given."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.hashing import Json, sha256_file

from .weight_sets import ROOT

if TYPE_CHECKING:
    from torch import nn


SHIPPED_WEIGHTS = Path(__file__).parent


@dataclass(frozen=True)
class NetworkSource:
    """One network and its weights.

    Attributes:
        role: ``depth`` or ``quality``.
        name: as ``networks.create`` knows it.
        weights: checkpoint file; ``None`` fills the network from ``seed``.
        sha256: of the checkpoint file; ``None`` for seeded weights.
        ema: whether the moving average is taken where the file holds one beside the last step's weights.
        said: once loaded, where in the file the weights stood (``entry``), ``notes`` on them, and what the file itself
            states of its ``licence`` and as a ``remark`` that a bundle repeats (null: nothing).
    """

    role: str
    name: str
    weights: Path | None
    sha256: str | None
    seed: str
    ema: bool = True
    said: dict[str, Json] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, role: str, name: str, weights: Path | None, seed: str, ema: bool = True) -> "NetworkSource":
        """Hash the checkpoint.

        Raises:
            CheckpointError: there is no such file.
        """
        if weights is not None and not weights.is_file():
            raise CheckpointError(f"{role} weights {weights} do not exist: give a .pth or .safetensors file")
        return cls(role, name, weights, sha256_file(weights) if weights else None, seed, ema)

    @property
    def seeded(self) -> bool:
        return self.weights is None

    def identity(self) -> dict[str, Json]:
        """What the exported graph depends on."""
        return {
            "network": self.name,
            "checkpoint_sha256": self.sha256,
            "seed": self.seed if self.seeded else None,
            "ema": self.ema,
        }

    def load(self) -> "nn.Module":
        """The filled network in eval mode.

        Raises:
            CheckpointError: the file is damaged or belongs to another network.
        """
        from .. import networks
        from .checkpoints import fill, read_for
        from .seeding import seed_weights
        from .weight_numbers import UNTRAINED, untrained
        from .weight_sets import Wish

        module = networks.create(self.name)
        if self.weights is None:
            seed_weights(module, self.seed)
        else:
            file = read_for(self.weights, self.name, Wish(self.ema))
            fill(module, file.state, self.weights)
            notes = [*([file.note] if file.note else []), *([UNTRAINED] if untrained(file.state) else [])]
            stated = {name: file.metadata.get(name) for name in ("licence", "remark")}
            self.said.update(entry=file.taken, notes=[f"{self.weights.name}: {note}" for note in notes], **stated)
        return module

    def manifest_entry(self, entry: str = ROOT, licence: str | None = None) -> dict[str, Json]:
        """The manifest's entry; the licence is that of the weights that ship, or were published, for this network.

        Args:
            entry: where in the file the weights stood.
            licence: what the file itself states.
        """
        source = f"seeded: {self.seed}" if self.weights is None else self.weights.name
        return {
            "role": self.role,
            "name": self.name,
            "checkpoint_sha256": self.sha256,
            "seeded": self.seeded,
            "source": source if entry == ROOT else f"{source}, entry '{entry}'",
            "licence": licence or self._licence(),
        }

    def _licence(self) -> str:
        if self.weights is None:
            return "none: seeded numbers"
        shipped = self.weights.resolve().parent == SHIPPED_WEIGHTS.resolve()
        return "Apache-2.0, see the model card" if shipped else published_licence(self.name)


def published_licence(network: str) -> str:
    """Licence of the weights that the authors publish for a network."""
    from .hub import PUBLISHED

    licences = {published.network: published.licence for published in PUBLISHED.values()}
    return licences.get(network, "not stated by the authors")
