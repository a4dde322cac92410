"""Agreement of predicted scores with people's: SRCC, PLCC, KRCC, RMSE, each with a 95% bootstrap interval.

PLCC and RMSE are taken after the four-parameter logistic that quality assessment is used to (VQEG 2000), fitted on the
same scores. Pure functions of arrays.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError

from .statistics import pearson, spearman

FEWEST = 8
BOOTSTRAPS = 1000
Curve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Figure:
    """A figure and the ends of its 95% bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class Agreement:
    """Agreement with people over a set of photos; RMSE in units of the human score."""

    photos: int
    srcc: Figure
    plcc: Figure
    krcc: Figure
    rmse: Figure


def agreement(predicted: np.ndarray, human: np.ndarray, seed: int = 0, bootstraps: int = BOOTSTRAPS) -> Agreement:
    """All four figures.

    Args:
        predicted, human: float [photos].
        seed: of the bootstrap.

    Raises:
        ConfigurationError: shapes differ, too few photos, or a value is not finite.
    """
    predicted, human = np.asarray(predicted, np.float64), np.asarray(human, np.float64)
    if predicted.shape != human.shape or predicted.ndim != 1:
        raise ConfigurationError(f"scores {predicted.shape} and human scores {human.shape} must be two equal lists")
    if len(predicted) < FEWEST:
        raise ConfigurationError(f"{len(predicted)} photos are too few for a correlation: give at least {FEWEST}")
    if not (np.isfinite(predicted).all() and np.isfinite(human).all()):
        raise ConfigurationError("a score is not finite: look for photos that could not be scored")
    mapped = fitted_logistic(predicted, human)(predicted)
    # The logistic is fitted once: refitting it a thousand times costs minutes and moves the interval by 1e-4.
    return Agreement(
        photos=len(predicted),
        srcc=with_interval(srcc, (predicted, human), seed, bootstraps),
        plcc=with_interval(plcc, (mapped, human), seed, bootstraps),
        krcc=with_interval(krcc, (predicted, human), seed, min(bootstraps, 200)),
        rmse=with_interval(rmse, (mapped, human), seed, bootstraps),
    )


def srcc(predicted: np.ndarray, human: np.ndarray) -> float:
    """Spearman's rank correlation; 0 where one side is constant."""
    return spearman(predicted, human) or 0.0


def srcc_figure(predicted: np.ndarray, human: np.ndarray, seed: int = 0, bootstraps: int = BOOTSTRAPS) -> Figure:
    """:func:`srcc` with its interval."""
    return with_interval(srcc, (predicted, human), seed, bootstraps)


def srcc_difference(
    first: np.ndarray, second: np.ndarray, human: np.ndarray, seed: int = 0, bootstraps: int = BOOTSTRAPS
) -> Figure:
    """:func:`difference` of SRCC."""
    return difference(srcc, first, second, human, seed, bootstraps)


def difference(
    figure: Callable[[np.ndarray, np.ndarray], float],
    first: np.ndarray,
    second: np.ndarray,
    human: np.ndarray,
    seed: int = 0,
    bootstraps: int = BOOTSTRAPS,
) -> Figure:
    """A figure of the first scores less that of the second, of the same photos: the interval is of paired draws."""
    return with_interval(
        lambda *drawn: figure(drawn[0], drawn[2]) - figure(drawn[1], drawn[2]),
        (first, second, human),
        seed,
        bootstraps,
    )


def krcc(predicted: np.ndarray, human: np.ndarray) -> float:
    """Kendall's tau-b; 0 where one side is constant."""
    from scipy import stats

    tau = float(stats.kendalltau(predicted, human).statistic)
    return tau if np.isfinite(tau) else 0.0


def plcc(predicted: np.ndarray, human: np.ndarray) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    return pearson(predicted, human) or 0.0


def rmse(predicted: np.ndarray, human: np.ndarray) -> float:
    """Root mean square difference."""
    return float(np.sqrt(np.mean((predicted - human) ** 2)))


def logistic(x: np.ndarray, top: float, bottom: float, centre: float, slope: float) -> np.ndarray:
    """Four-parameter logistic ``(top - bottom) / (1 + exp(-(x - centre) / |slope|)) + bottom``."""
    return (top - bottom) / (1.0 + np.exp(np.clip(-(x - centre) / (abs(slope) + 1e-9), -50.0, 50.0))) + bottom


def fitted_logistic(predicted: np.ndarray, human: np.ndarray) -> Curve:
    """The logistic fitted to the human scores, as a function; a straight line where the fit does not converge."""
    from scipy import optimize

    start = (human.max(), human.min(), float(predicted.mean()), float(predicted.std()) + 1e-6)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optimize.OptimizeWarning)  # of the covariance, which nobody asks for
            parameters, _ = optimize.curve_fit(logistic, predicted, human, p0=start, maxfev=20000)
    except RuntimeError:
        slope, offset = np.polyfit(predicted, human, 1)
        return lambda x: slope * x + offset
    return lambda x: logistic(x, *parameters)


def ordered_share(better: np.ndarray, worse: np.ndarray) -> float:
    """Share of pairs in which the better one scores higher; a tie is not in order."""
    return float(np.mean(np.asarray(better) > np.asarray(worse)))


def average_precision(said: np.ndarray, labels: np.ndarray) -> float:
    """Mean precision at each picture that has what is said: [N] probabilities, and labels 1, 0, or NaN for unknown.

    NaN where no picture has it.
    """
    known = ~np.isnan(labels)
    right = labels[known][np.argsort(-said[known], kind="stable")] > 0.5
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean()) if right.any() else float("nan")


def with_interval(
    figure: Callable[..., float], lists: Sequence[np.ndarray], seed: int = 0, bootstraps: int = BOOTSTRAPS
) -> Figure:
    """A figure of lists of equal length, whose entries are drawn together, with its interval."""
    draws = np.random.default_rng(seed).integers(0, len(lists[0]), (bootstraps, len(lists[0])))
    values = [figure(*(one[draw] for one in lists)) for draw in draws]
    low, high = np.percentile(values, (2.5, 97.5))
    return Figure(figure(*lists), float(low), float(high))
