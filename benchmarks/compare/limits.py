"""``--fail-on p99=+5%,score_mae=+0.002``: how much worse a figure may become before a comparison fails."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dgiqa_edge.runtime.errors import ConfigurationError

from .metrics import METRICS

_LIMIT = re.compile(r"^(\w+)=([+-]?)(\d+(?:\.\d+)?)(%?)$")


@dataclass(frozen=True)
class Limit:
    """The least change, in the bad direction, that counts: a share of the first value, or an absolute amount."""

    amount: float
    relative: bool

    def __str__(self) -> str:
        return f"{self.amount * 100:g} %" if self.relative else f"{self.amount:g}"


def parse_limits(text: str) -> Mapping[str, Limit]:
    """Limits by metric.

    Raises:
        ConfigurationError: an entry is malformed or empty, names no metric, stands twice, or has the sign of an
            improvement.
    """
    limits = {}
    for entry in (part.strip() for part in text.split(",")):
        match = _LIMIT.match(entry)
        if match is None:
            raise ConfigurationError(f"--fail-on '{entry}' is no limit: write it like p99=+5% or score_mae=+0.002")
        name, sign, number, percent = match.groups()
        metric = METRICS.get(name)
        if metric is None:
            raise ConfigurationError(f"--fail-on knows no '{name}': choose from {', '.join(METRICS)}")
        if name in limits:
            raise ConfigurationError(f"--fail-on holds {name} twice: keep one limit of it")
        worse = "+" if metric.lower_is_better else "-"
        if sign not in ("", worse):
            raise ConfigurationError(f"--fail-on {entry}: {name} gets worse when it goes the other way; write {worse}")
        if metric.relative and not percent:
            raise ConfigurationError(f"--fail-on {entry}: give {name} in percent, like {name}={worse}5%")
        limits[name] = Limit(float(number) / 100.0 if percent else float(number), bool(percent))
    return limits
