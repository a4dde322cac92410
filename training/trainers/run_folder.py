"""One training run on disk: its configuration, curves as CSV and PNG, the last state (for resuming) and the best.

It decides nothing about training but when to stop early.
"""

import csv
import json
from dataclasses import asdict, is_dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import atomic_file, write_text
from dgiqa_edge.runtime.ground.strict_text import parse_json

State = dict[str, Any]


class RunFolder:
    """The folder of a run."""

    def __init__(self, folder: Path, config: Any, patience: int) -> None:
        """Open or begin a run.

        Args:
            config: a dataclass; it must be the one the run began with.
            patience: epochs without a better validation score after which to stop.

        Raises:
            ConfigurationError: the folder holds a run with another configuration.
        """
        self.folder = folder
        self.patience = patience
        self.rows: list[dict[str, float]] = []
        content = asdict(config) if is_dataclass(config) and not isinstance(config, type) else dict(config)
        content = json.loads(json.dumps(content, default=str))
        file = folder / "config.json"
        if file.is_file() and parse_json(file.read_text(encoding="utf-8")) != content:
            raise ConfigurationError(f"{folder} holds a run with another configuration: give another --out")
        if not file.is_file():
            write_text(file, json.dumps(content, indent=2))
        if self._curves.is_file():
            with self._curves.open(encoding="utf-8", newline="") as stream:
                self.rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]

    @property
    def _curves(self) -> Path:
        return self.folder / "curves.csv"

    @property
    def best_file(self) -> Path:
        """Weights of the epoch with the best validation score, under the name of their part."""
        return self.folder / "best.pt"

    def last_state(self) -> State | None:
        """What :meth:`keep` or :meth:`keep_step` was given last, or ``None`` at the start."""
        file = self.folder / "last.pt"
        return torch.load(file, map_location="cpu", weights_only=True) if file.is_file() else None

    def keep(self, figures: dict[str, float], state: State, goal: str, part: str) -> bool:
        """Record an epoch; ``part`` of its state is the best if its ``goal`` figure is the highest. True if it is."""
        best = not self.rows or figures[goal] > max(row[goal] for row in self.rows)
        self.rows.append(figures)
        with atomic_file(self._curves) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        kept = {self.folder / "last.pt": state, **({self.best_file: {part: state[part]}} if best else {})}
        for file, content in kept.items():
            with atomic_file(file) as partial:
                torch.save(content, partial)
        return best

    def keep_step(self, state: State, where: dict[str, int]) -> None:
        """Keep a state within an epoch; ``status.json`` tells people where the run is."""
        with atomic_file(self.folder / "last.pt") as partial:
            torch.save(state, partial)
        told: dict[str, Any] = {
            **where,
            "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "epochs_done": self.rows,
        }
        write_text(self.folder / "status.json", json.dumps(told, indent=2))

    def exhausted(self, goal: str) -> bool:
        """Whether the last ``patience`` epochs brought nothing better."""
        scores = [row[goal] for row in self.rows]
        return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= self.patience

    def draw(self) -> Path | None:
        """Curves as a picture; ``None`` where matplotlib is missing."""
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError:
            return None
        names = [name for name in self.rows[0] if name != "epoch"]
        figure = Figure(figsize=(4 * len(names), 3))
        FigureCanvasAgg(figure)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            axes.plot([row["epoch"] for row in self.rows], [row[name] for row in self.rows])
            axes.set_title(name)
            axes.set_xlabel("epoch")
        figure.tight_layout()
        file = self.folder / "curves.png"
        with atomic_file(file) as partial:
            figure.savefig(partial, format="png")
        return file
