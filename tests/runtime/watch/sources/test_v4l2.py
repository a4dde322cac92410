"""Cameras by V4L2: what is no device, no camera, or not ours to open."""

from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.watch.sources import create_source
from dgiqa_edge.runtime.watch.sources import v4l2 as v4l2_module


def test_a_device_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(SourceError, match=r"/dev/video250 does not exist \(video devices here:"):
        create_source("v4l2:///dev/video250?size=640x480&fps=30&fourcc=MJPG").open()


def test_a_file_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "video0").write_bytes(b"")
    with pytest.raises(SourceError, match="not a device file"):
        create_source(f"v4l2://{tmp_path}/video0").open()


def test_a_device_that_is_no_camera() -> None:
    with pytest.raises(SourceError, match="no capture device"):
        create_source("v4l2:///dev/null").open()


def test_a_device_that_may_not_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2_module.os, "access", lambda path, mode: False)
    with pytest.raises(SourceError, match="group 'video'"):
        create_source("v4l2:///dev/null").open()


@pytest.mark.parametrize(
    "uri", ["v4l2://video0", "v4l2:///dev/video0?size=640", "v4l2:///dev/video0?fourcc=MJPEG", "v4l2:///dev/video0?a=1"]
)
def test_v4l2_uris_that_are_none(uri: str) -> None:
    with pytest.raises(ConfigurationError):
        create_source(uri)
