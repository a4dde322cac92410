"""`nano` 2: depth, quality and faults of a frame from one small network whose input is 8-bit pictures.

Views as those of `nano` (see `views.py`), but as levels in the frame's own order of channels: the shrunk frame is
rounded to whole levels, as a resized picture is, and the normalisation is ``level / 128 - 1`` for every channel. So the
first convolution computes in INT8 from the frame's own bytes, without a rounding that FP32 does not have too.

Beside score and depth it says what is wrong with a frame and where: probabilities of the faults of
``calibration/degradations/kinds.py``, for the frame and for each cell of a 4x4 grid.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .depth_guidance import Regressor, frame_logits
from .fault_reader import COVERAGE_SIDE, FAULTS
from .lite_trunk import ViewMaps, convolution
from .nano import HIDDEN_WIDTH, TOKEN_WIDTH, VIEW_WIDTH, NanoParts
from .views import IMAGENET_MEAN, IMAGENET_STD, Size, overlap_matrix

LEVELS_PER_UNIT = 128.0
_CELL_WIDTH = 48


class Nano2(NanoParts):
    """The parts of `nano` and the fault reader."""

    faults: "FaultReader"
    reads_levels = True

    def __init__(self) -> None:
        super().__init__(FaultReader)

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, ...]:
        """Score one frame.

        Args:
            whole: float32 [1, 3, h, w], BGR, the shrunk frame in whole levels 0..255.
            crops: float32 [N, 3, 160, 160], native crops in levels.

        Returns:
            score float32 [1] in [0, 1], 1 best, the mean of the view scores; view_scores float32 [1, 1 + N], whole
            frame first; depth float32 [1, h / 4, w / 4], relative inverse depth, larger is nearer; faults float32
            [1, 8] and coverage float32 [1, 4, 4, 8], probabilities.
        """
        logits, depth, faults, coverage, _ = self.read(self.maps(whole), self.maps(crops))
        view_scores = torch.sigmoid(logits)
        return view_scores.mean(dim=1), view_scores, depth, torch.sigmoid(faults), torch.sigmoid(coverage)

    def maps(self, views: Tensor) -> ViewMaps:
        """Views in levels [V, 3, h, w] to their maps."""
        return self.trunk((views - LEVELS_PER_UNIT) * (1.0 / LEVELS_PER_UNIT))  # type: ignore[no-any-return]

    def read(self, whole: ViewMaps, crops: ViewMaps) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Maps of F frames and of their F * N crops to what :meth:`forward` gives, as logits, but depth.

        View logits [F, 1 + N], depth [F, h / 4, w / 4], faults [F, 8], coverage [F, 4, 4, 8], and what all but depth
        is read from: context [F, 384].
        """
        depth = self.depth_decoder(whole)
        whole_depth, crop_depth = self.depth_cells(depth)
        image = self.whole.image(whole)
        whole_vector = self.whole.vector(whole, image, whole_depth)
        crop_vectors = self.crop(crops, crop_depth)
        frames = whole_vector.shape[0]
        context = torch.cat((whole_vector, crop_vectors.reshape(frames, -1, VIEW_WIDTH).mean(dim=1)), dim=1)
        faults, coverage = self.faults(image, context)
        logits = frame_logits(whole_vector, crop_vectors, self.whole_score, self.crop_score)
        return logits - self.faults.taken(faults), depth, faults, coverage, context


class FaultReader(nn.Module):
    """Image and context of F frames to logits of faults [F, 8] and of where they are [F, 4, 4, 8].

    Where a fault is not in the frame it is nowhere: the logits of the cells add to those of the frame. Each fault that
    is said takes its own, learned, never negative share from the logits of the score, so that what the score reads as
    detail cannot outweigh what is known for noise here. How faults are said is learned from faults alone.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mix = convolution(TOKEN_WIDTH, _CELL_WIDTH)
        self.cells = nn.Conv2d(_CELL_WIDTH, FAULTS, kernel_size=1)
        self.frame = Regressor(2 * VIEW_WIDTH, HIDDEN_WIDTH, FAULTS)
        self.severity = nn.Parameter(torch.zeros(FAULTS))

    def arrange(self, whole: Size) -> None:
        """Set the constants for whole views of that height and width."""
        for name, length in (("rows", whole[0] // 16), ("columns", whole[1] // 16)):
            share = torch.from_numpy(overlap_matrix(length, COVERAGE_SIDE, 0.0, float(length)))
            self.register_buffer(name, share if name == "rows" else share.T.contiguous(), persistent=False)

    def forward(self, image: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Image of whole views [F, 64, h / 16, w / 16] and context [F, 384] of their frames to logits."""
        local = self.rows @ self.cells(self.mix(image)) @ self.columns
        faults = self.frame(context)
        return faults, local.permute(0, 2, 3, 1) + faults[:, None, None, :]

    def taken(self, faults: Tensor) -> Tensor:
        """What faults, logits [F, 8], take from the logits of each view: [F, 1]."""
        said = torch.sigmoid(faults.detach())
        return (said * F.softplus(self.severity)).sum(dim=1, keepdim=True)


def from_normalised(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network that reads RGB with ImageNet's mean and deviation removed, for one that reads BGR levels.

    What the first convolution gives stays the same, but along the border, where it now sees grey.
    """
    stem, mean = "trunk.stem.0.weight", "trunk.stem.1.running_mean"
    per_level = torch.tensor([1.0 / (255.0 * std) for std in IMAGENET_STD])
    middle = torch.tensor(
        [(LEVELS_PER_UNIT / 255.0 - mean_) / std for mean_, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]
    )
    kernel = weights[stem]
    return {
        **weights,
        stem: (kernel * (per_level * LEVELS_PER_UNIT).view(1, 3, 1, 1)).flip(1),
        mean: weights[mean] - (kernel * middle.view(1, 3, 1, 1)).sum(dim=(1, 2, 3)),
    }
