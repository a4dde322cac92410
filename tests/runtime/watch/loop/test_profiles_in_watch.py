"""A scripted camera from day to night to infra-red and back, through the whole loop: nothing is named on the way, and
what is put in afterwards is.
"""

import threading
from pathlib import Path
from typing import Any

import pytest
from stand_ins.watch_loop import ListSink

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.assembly.baseline_keeper import BaselineKeeper
from dgiqa_edge.runtime.watch.assembly.config import WatchSettings, parse_watch_settings
from dgiqa_edge.runtime.watch.assembly.parts import watched_camera
from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.watch import Watch

# Cues alone: the scorer of tests has no idea of quality.
GATE = {"score": {"role": "off"}, "reason": {"settle_s": 0.2}, "frozen": {"role": "off"}}
SWITCH = {"hold_s": 0.2, "settle_s": 0.4}
PROFILES = [{"name": "night"}, {"name": "infra-red"}]


def settings(script: str, folder: Path, **camera: Any) -> WatchSettings:
    source = f"test://?script={script}&fps=25&size=320x240"
    given = {"name": "front", "source": source, "frames": "every", "switch": SWITCH, "profiles": PROFILES, **camera}
    content = {"bundle": "bundle", "baselines": "base", "gate": GATE, "cameras": [given]}
    return parse_watch_settings(content, folder / "watch.toml", {})


def watched(configured: WatchSettings, bundle: Path, sink: ListSink) -> Watch:
    with Scorer(bundle, threads=1, allow_spinning=False, verify=False) as scorer:
        keeper = BaselineKeeper(configured.baselines, scorer.bundle)
        cameras = [watched_camera(it, configured.folder, keeper.load(it)) for it in configured.cameras]
        watch = Watch(cameras, scorer, [sink], learned=keeper.save)
        watch.run(threading.Event())
    return watch


def told(sink: ListSink) -> list[tuple[str, str, str | None]]:
    """State, reason and profile of scored frames wherever one of them changes."""
    found: list[tuple[str, str, str | None]] = []
    for event in sink.events:
        if event.outcome is Outcome.SCORED:
            assert event.verdict is not None
            now = (event.verdict.state.value, event.verdict.reason, event.verdict.profile)
            found += [now] if not found or found[-1] != now else []
    return found


def test_switches_name_nothing_and_a_fault_afterwards_is_named(bundle_dir: Path, tmp_path: Path) -> None:
    sink = ListSink()
    script = "clean:30,night:40,infrared:40,clean:40,night:30,black:30,blur:1,infrared:50,clean:30,bright:30"
    watch = watched(settings(script, tmp_path), bundle_dir, sink)
    verdicts = told(sink)
    assert verdicts[:6] == [
        ("unknown", "starting", "day"),
        ("pass", "good", "day"),
        ("pass", "good", "night"),
        ("pass", "good", "infra-red"),
        ("pass", "good", "day"),
        ("pass", "good", "night"),
    ]
    rejected = [it for it in verdicts if it[0] == "reject"]
    assert rejected[0] == ("reject", "too dark", "night"), "black within the night is a fault there too"
    assert rejected[-1][2] == "day"
    assert {reason for _, reason, _ in rejected} <= {"too dark", "recovering", "over-exposed"}
    assert "over-exposed" in {reason for _, reason, _ in rejected}
    (status,) = watch.status().cameras
    assert (status.profile, status.profiles) == ("day", ("day", "night", "infra-red"))


def test_each_profile_learns_and_keeps_a_baseline_of_its_own(bundle_dir: Path, tmp_path: Path) -> None:
    gate = {**GATE, "baseline": {"learn_minutes": 0.01, "sample_every_s": 0.05}}
    configured = settings("clean:40,night:60", tmp_path, gate=gate)
    sink = ListSink()
    watched(configured, bundle_dir, sink)
    assert sorted(file.name for file in (tmp_path / "base").iterdir()) == ["front.json", "front.night.json"]
    with Scorer(bundle_dir, threads=1, verify=False) as scorer:
        kept = BaselineKeeper(configured.baselines, scorer.bundle).load(configured.cameras[0])
    assert set(kept) == {None, "night", "infra-red"}
    assert kept["infra-red"] is None
    assert kept[None] is not None
    assert kept["night"] is not None
    assert kept[None] != kept["night"]


def test_a_message_chooses_for_the_cameras_that_wait_for_it(bundle_dir: Path, tmp_path: Path) -> None:
    profiles = [{"name": "works", "when": "mqtt:site/mode=works", "gate": {"cues": {"occlusion": {"role": "off"}}}}]
    content: dict[str, Any] = {
        "bundle": "bundle",
        "cameras": [{"name": "front", "source": "test://?script=clean:5&fps=0", "profiles": profiles}],
    }
    with pytest.raises(ConfigurationError, match=r"wait for messages on 'site/mode', and no sink is of type 'mqtt'"):
        parse_watch_settings(content, tmp_path / "watch.toml", {})
    configured = parse_watch_settings(
        content | {"sinks": [{"type": "mqtt", "host": "broker"}]}, tmp_path / "watch.toml", {}
    )
    sink = ListSink()
    with Scorer(bundle_dir, threads=1, verify=False) as scorer:
        watch = Watch([watched_camera(configured.cameras[0], tmp_path)], scorer, [sink])
        assert watch.topics == {"site/mode"}
        watch.tell("site/mode", "works")
        watch.run(threading.Event())
    assert {profile for *_, profile in told(sink)} == {"works"}
