"""The configuration: what it means, and that whatever is wrong is named by its key."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError
from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.ground.framing import FITS
from dgiqa_edge.runtime.watch.assembly.config import load_watch_settings, parse_watch_settings
from dgiqa_edge.runtime.watch.loop.intake import Drop, LineSettings, Policy

MINIMAL = {"bundle": "b", "cameras": [{"name": "front", "source": "v4l2:///dev/video0"}]}


def parse(changes: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> Any:
    return parse_watch_settings({**MINIMAL, **(changes or {})}, Path("/etc/watch/watch.toml"), environment or {})


def one_camera(**changes: Any) -> dict[str, Any]:
    return {"cameras": [{"name": "front", "source": "v4l2:///dev/video0", **changes}]}


def test_defaults() -> None:
    settings = parse()
    camera = settings.cameras[0]
    assert settings.bundle == Path("/etc/watch/b")
    assert camera.line == LineSettings(Policy.LATEST, Drop.OLDEST, 1)
    assert camera.connection.stall_timeout_s == 10.0
    assert (settings.sinks, settings.dashboard, settings.baselines) == ((), None, None)
    assert not settings.engine.spinning
    assert settings.engine.cache_folder is None
    assert settings.engine.fit is None


@pytest.mark.parametrize("fit", FITS)
def test_cameras_of_another_shape_are_fitted_as_the_engine_section_says(fit: str) -> None:
    assert parse({"engine": {"fit": fit}}).engine.fit == fit


def test_what_a_backend_compiles_is_kept_below_the_files_folder() -> None:
    assert parse({"engine": {"cache_folder": "kernels"}}).engine.cache_folder == Path("/etc/watch/kernels")


def test_files_are_read_frame_by_frame() -> None:
    assert parse(one_camera(source="a.mp4")).cameras[0].line == LineSettings(Policy.EVERY, Drop.OLDEST, 2)
    assert parse(one_camera(source="a.mp4", frames="latest")).cameras[0].line.policy is Policy.LATEST


def test_everything_can_be_said() -> None:
    camera = parse(
        {
            "engine": {"backend": "onnxruntime", "threads": 2, "providers": ["cuda", "cpu"], "spinning": True},
            "baselines": "base",
            "sinks": [{"type": "json_lines", "path": "e.jsonl"}],
            "dashboard": {"listen": ":8080"},
            **one_camera(
                frames="latest",
                drop="newest",
                queue=3,
                depth_every=4,
                open_timeout_s=20,
                stall_timeout_s=2.5,
                reconnect_first_s=1,
                reconnect_longest_s=60,
                options={"fps": 30},
                gate={"score": {"reject_below": 0.5, "accept_above": 0.6}},
            ),
        }
    ).cameras[0]
    assert camera.line == LineSettings(Policy.LATEST, Drop.NEWEST, 3)
    assert camera.depth_every == 4
    assert camera.connection.backoff.longest_s == 60
    assert camera.policy.limits["score"].reject == 0.5


def test_what_was_drawn_takes_the_place_of_what_is_written(tmp_path: Path) -> None:
    corner, other = [[0, 0], [0.5, 0], [0, 0.5]], [[1, 1], [0.5, 1], [1, 0.5]]
    cameras = [
        {"name": name, "source": "test://", "include": [corner], "exclude": []} for name in ("front", "rear", "side")
    ]
    content = {**MINIMAL, "cameras": cameras, "regions": "drawn"}
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "rear.json").write_text(json.dumps({"exclude": [other]}))
    (tmp_path / "drawn" / "side.json").write_text("{}")
    settings = parse_watch_settings(content, tmp_path / "watch.toml", {})
    assert settings.regions == tmp_path / "drawn"
    assert [camera.regions for camera in settings.cameras] == [
        Regions(include=(((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),)),
        Regions(exclude=(((1.0, 1.0), (0.5, 1.0), (1.0, 0.5)),)),
        Regions(),
    ]
    (tmp_path / "drawn" / "front.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"front.json: no regions can be read"):
        parse_watch_settings(content, tmp_path / "watch.toml", {})


def test_a_camera_has_the_shared_gate_or_its_own(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[score]\nreject_below = 0.2\naccept_above = 0.3\n")
    content = {
        "bundle": "b",
        "gate": {"score": {"reject_below": 0.5, "accept_above": 0.6}},
        "cameras": [
            {"name": "a", "source": "test://"},
            {"name": "b", "source": "test://", "gate": {"policy": "policy.toml"}},
        ],
    }
    settings = parse_watch_settings(content, tmp_path / "watch.toml", {})
    assert [camera.policy.limits["score"].reject for camera in settings.cameras] == [0.5, 0.2]


def test_credentials_come_from_the_environment_encoded_and_are_not_shown() -> None:
    changes = one_camera(source="rtsp://${CAM_USER}:${CAM_PW}@host/live")
    settings = parse(changes, {"CAM_USER": "ad min", "CAM_PW": "p@ss/word"})
    assert settings.cameras[0].source == "rtsp://ad%20min:p%40ss%2Fword@host/live"
    assert settings.cameras[0].shown == "rtsp://***@host/live"
    assert "p%40ss" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bundle": None}, "bundle"),
        ({"bundle": 3}, "bundle"),
        ({"cameras": []}, "cameras has 0 entries"),
        ({"cameras": {}}, "cameras"),
        ({"cameras": [7]}, r"cameras\[0\]"),
        ({"cameras": [{"name": "a"}]}, r"cameras\[0\]\.source is missing"),
        ({"camera": []}, "camera is not a setting: did you mean 'cameras'"),
        (one_camera(name="front door"), r"cameras\[0\]\.name"),
        (one_camera(source="ftp://x"), r"cameras\[0\]\.source: the source 'ftp://x' has no known scheme"),
        (one_camera(source="rtsp://${NOPE}@h/x"), "environment variable NOPE"),
        (one_camera(source="gst:x password=${PW}"), "a pipeline takes no"),
        (one_camera(frames="all"), r"cameras\[0\]\.frames"),
        (one_camera(queue=0), r"cameras\[0\]\.queue"),
        (one_camera(stall_timeout_s="soon"), r"cameras\[0\]\.stall_timeout_s"),
        (one_camera(stall_timeout_s=float("nan")), r"cameras\[0\]\.stall_timeout_s"),
        (one_camera(reconnect_first_s=9, reconnect_longest_s=5), r"cameras\[0\]\.reconnect_longest_s"),
        (one_camera(depth_every=0), r"cameras\[0\]\.depth_every"),
        (one_camera(include=[[[0, 0], [1, 1]]]), r"cameras\[0\]\.include\[0\] has 2 corners"),
        (one_camera(exclude=[[0, 0], [1, 1]]), r"cameras\[0\]\.exclude is no list of polygons"),
        (one_camera(depht_every=2), "did you mean 'depth_every'"),
        (one_camera(gate={"score": {"reject_below": 2}}), r"cameras\[0\]\.gate\.score\.reject_below"),
        (one_camera(gate={"policy": "absent.toml"}), "absent.toml"),
        ({"gate": {"policy": "p.toml", "score": {}}}, "gate.score is not a setting"),
        ({"engine": {"threads": 0}}, "engine.threads"),
        ({"engine": {"providers": []}}, "engine.providers"),
        ({"sinks": [{"path": "x"}]}, r"sinks\[0\]\.type is missing"),
        ({"sinks": "jsonl"}, "sinks"),
        ({"dashboard": 8080}, "dashboard"),
        (
            {"cameras": [{"name": "a", "source": "test://"}, {"name": "A", "source": "test://"}]},
            r"cameras\[1\]\.name is 'A', as cameras\[0\]\.name",
        ),
        (
            {"cameras": [{"name": "a", "source": "test://"}, {"name": "A.Reference", "source": "test://"}]},
            r"a file of camera 'A\.Reference' is called 'A\.Reference', as one of camera 'a'",
        ),
        (
            one_camera(profiles=[{"name": "reference", "when": "picture:dark"}]),
            r"of the profile 'reference' of camera 'front' is called 'front\.reference', as one of camera 'front'",
        ),
        (
            {
                "cameras": [
                    {"name": "a", "source": "test://", "profiles": [{"name": "night"}]},
                    {"name": "A.night", "source": "test://"},
                ]
            },
            r"a file of camera 'A\.night' is called 'A\.night', as one of the profile 'night' of camera 'a'",
        ),
        ({"regions": "kept", "baselines": "x/../kept"}, "regions and baselines are both /etc/watch/kept"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], complaint: str) -> None:
    content = {key: value for key, value in {**MINIMAL, **changes}.items() if value is not None}
    with pytest.raises(ConfigurationError, match=complaint):
        parse_watch_settings(content, Path("/etc/watch/watch.toml"), {})


def test_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("bundle: b\ncameras: []\n")
    with pytest.raises(ConfigurationError, match=r"w\.yaml: cameras has 0 entries"):
        load_watch_settings(tmp_path / "w.yaml")


EXAMPLE = """\
bundle = "b"
[engine]
threads = 2
[[cameras]]
name = "front"
source = "rtsp://${USER_NAME}:${PASSWORD}@192.0.2.1/live"
stall_timeout_s = 5
options = { transport = "tcp" }
[cameras.gate.score]
reject_below = 0.35
accept_above = 0.42
[[cameras]]
name = "file"
source = "test://?script=clean:30"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
[dashboard]
listen = "127.0.0.1:8080"
"""


def mutated(text: str, rng: random.Random) -> bytes:
    """A few random edits: bytes changed, removed, doubled, lines moved, values swapped for odd ones."""
    content = bytearray(text.encode())
    for _ in range(rng.randint(1, 6)):
        kind = rng.randrange(6)
        at = rng.randrange(len(content) + 1)
        if kind == 0 and at < len(content):
            content[at] = rng.randrange(256)
        elif kind == 1:
            del content[at : at + rng.randint(1, 30)]
        elif kind == 2:
            content[at:at] = content[at : at + rng.randint(1, 60)]
        elif kind == 3:
            content[at:at] = rng.choice(
                [b"[", b"]]", b'"', b"=", b"{}", b"nan", b"-1", b"1e999", b"\x00", b"\xff", b"[["]
            )
        elif kind == 4:
            lines = content.splitlines(keepends=True)
            rng.shuffle(lines)
            content = bytearray(b"".join(lines))
        else:
            values = [b"true", b"[]", b'""', b"9" * 400, b"0x", b"2026-01-01", b'"' + b"A" * 5000 + b'"', b"inf"]
            before, equals, after = bytes(content).partition(b"= ")
            content = bytearray(before + equals + rng.choice(values) + b"\n" + after)
        if not content:
            break
    return bytes(content)


def fuzz(folder: Path, count: int, seed: int) -> int:
    """Load mutated files of all formats; returns how many were refused. Anything but a clear refusal escapes."""
    import yaml

    from dgiqa_edge.runtime.settings.file import read_settings

    (folder / "good.toml").write_text(EXAMPLE)
    values = read_settings(folder / "good.toml")
    texts = {".toml": EXAMPLE, ".json": json.dumps(values, indent=1), ".yaml": yaml.safe_dump(values)}
    rng = random.Random(seed)
    refused = 0
    for number in range(count):
        suffix = rng.choice(list(texts))
        file = folder / f"mutated{suffix}"
        file.write_bytes(mutated(texts[suffix], rng))
        try:
            load_watch_settings(file, {"USER_NAME": "u", "PASSWORD": "topsecret"})
        except DgiqaEdgeError as error:
            refused += 1
            assert str(file) in str(error), number
            assert "topsecret" not in str(error), number
    return refused


def test_malformed_files_are_refused_clearly(tmp_path: Path) -> None:
    assert fuzz(tmp_path, 150, seed=1) > 100


@pytest.mark.slow
def test_a_thousand_malformed_files_are_refused_clearly(tmp_path: Path) -> None:
    assert fuzz(tmp_path, 1000, seed=2) > 700
