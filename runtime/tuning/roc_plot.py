"""The picture of a tuning: one ROC curve per check and the proposed thresholds on them, by matplotlib."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigurationError
from ..ground.atomic import atomic_file
from ..ground.extra_packages import watch_package
from .thresholds import Proposal

FORMATS = (".png", ".svg", ".pdf")


def check_plot_path(path: Path) -> None:
    """Refuse early what could not be written at the end.

    Raises:
        ConfigurationError: the name does not end in a picture format.
        MachineError: matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigurationError(f"{path}: the plot's name must end in {', '.join(FORMATS)}")
    watch_package("matplotlib", "--plot")


def write_roc_plot(path: Path, proposals: Sequence[Proposal], title: str) -> None:
    """Write the curves to ``path``, whole or not at all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.8", linestyle=":", linewidth=1)
    for proposal in proposals:
        shares = [(cut.false_reject, cut.caught) for cut in proposal.curve.cuts]
        is_score = proposal.check == "score"
        (line,) = axes.plot(
            *zip(*shares, strict=True),
            linewidth=2.5 if is_score else 1.0,
            alpha=1.0 if proposal.adopted else 0.35,
            zorder=3 if is_score else 2,
            label=f"{proposal.check} ({proposal.curve.area:.3f})",
        )
        if proposal.effect is not None:
            axes.plot(proposal.effect.false_reject, proposal.effect.caught, "o", color=line.get_color(), zorder=4)
    axes.set(xlabel="good photos rejected", ylabel="bad photos rejected", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(title, fontsize=10)
    axes.legend(title="check (area)", loc="lower right", fontsize=8)
    with atomic_file(path) as partial:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=120)
