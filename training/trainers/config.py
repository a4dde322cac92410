"""The configuration of a training job: one TOML file, checked, with paths relative to it."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.settings.file import read_settings

from .dgiqa_trainer import DgiqaConfig
from .edge_trainer import EdgeConfig
from .head_trainer import HeadConfig
from .int8_finisher import FinishConfig
from .nano_trainer import NanoConfig

T = TypeVar("T")


@dataclass(frozen=True)
class JobConfig:
    """Where things are and how to train.

    Attributes:
        data: checkout of the BIQ2021 repository.
        encoder: Depth Anything V2-Small safetensors file.
        imagenet: EfficientNet-Lite0 PyTorch file.
        swin: Swin-T as published, for DGIQA's start; without it random.
        cache: folder of cached features; gigabytes.
        threads: CPU threads.
        degraded_validation, degraded_fit: how many photos of either part get a ladder of degraded copies.
        dim_series, soft_series, harsh_series: how many fit photos get a ladder of those series
            (``training/data/degraded_set.py``).
    """

    data: Path
    encoder: Path
    imagenet: Path
    cache: Path
    swin: Path | None = None
    threads: int = 2
    extraction_batch: int = 4
    degraded_validation: int = 312
    degraded_fit: int = 5200
    dim_series: int = 400
    soft_series: int = 800
    harsh_series: int = 600
    edge: EdgeConfig = field(default_factory=EdgeConfig)
    nano: NanoConfig = field(default_factory=NanoConfig)
    nano_head: HeadConfig = field(default_factory=HeadConfig)
    finish: FinishConfig = field(default_factory=FinishConfig)
    dgiqa: DgiqaConfig = field(default_factory=DgiqaConfig)


def read_config(file: Path) -> JobConfig:
    """Read the configuration.

    Raises:
        ConfigurationError: the file is missing, is not TOML, or has a key or a type that is not known.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file} is missing: copy training/configs/biq2021.toml and set its paths")
    content = read_settings(file)
    sections = {
        "edge": EdgeConfig,
        "nano": NanoConfig,
        "nano_head": HeadConfig,
        "finish": FinishConfig,
        "dgiqa": DgiqaConfig,
    }
    values: dict[str, Any] = {key: value for key, value in content.items() if key not in sections}
    for name, kind in sections.items():
        values[name] = _filled(kind, content.get(name, {}), f"{file}, [{name}]")
    for name in ("data", "encoder", "imagenet", "swin", "cache"):
        if name in values:
            values[name] = (file.parent / str(values[name])).resolve()
    return _filled(JobConfig, values, str(file))


def _filled(kind: type[T], values: dict[str, Any], where: str) -> T:
    fields = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}: known are {', '.join(fields)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        built = kind(**values)
    except TypeError as error:
        raise ConfigurationError(f"{where}: {error}".replace("JobConfig.__init__() ", "")) from None
    for name, item in fields.items():
        expected = type(item.default)
        if item.default is dataclasses.MISSING or item.default is None:
            continue
        value = getattr(built, name)
        if not isinstance(value, (int, float) if expected is float else expected):
            raise ConfigurationError(f"{where}: {name} must be {expected.__name__}, not {value!r}")
    return built
