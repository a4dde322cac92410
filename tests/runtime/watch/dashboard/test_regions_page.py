"""Regions over HTTP: seen and set by the page alone, kept in a file, in force in the watch."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.watch_loop import PlayedSource

from dgiqa_edge.runtime.gate.regions import Regions, read_regions
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.assembly.parts import attach
from dgiqa_edge.runtime.watch.dashboard import Dashboard
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera

Start = Callable[..., Dashboard]
TOKEN = "a-token-of-enough-length"
SKY = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.4], [0.0, 0.4]]
JSON = {"Content-Type": "application/json"}


def ask(dashboard: Dashboard, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any]:
    host, port = dashboard.url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    text = body if isinstance(body, str) else json.dumps(body)
    connection.request(method, path, None if body is None else text, {**({} if body is None else JSON), **headers})
    response = connection.getresponse()
    said = response.read().decode()
    connection.close()
    return response.status, json.loads(said) if response.status == 200 else said


@pytest.fixture
def watch(bundle_dir: Path) -> Any:
    source = PlayedSource([[]])
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        yield Watch([WatchedCamera("front", lambda: source, "played")], scorer)


def test_what_is_set_is_in_force_and_in_the_file(start: Start, watch: Watch, tmp_path: Path) -> None:
    dashboard = start()
    assert ask(dashboard, "/api/regions?camera=front") == (204, "")
    attach(watch, [dashboard], tmp_path / "drawn")
    assert ask(dashboard, "/api/regions?camera=front") == (200, {"include": [], "exclude": [], "kept": True})
    document = {"include": [], "exclude": [SKY]}
    assert ask(dashboard, "/api/regions?camera=front", "PUT", document) == (200, {**document, "kept": True})
    expected = Regions(exclude=(tuple((x, y) for x, y in SKY),))
    assert watch.regions("front") == expected == read_regions(tmp_path / "drawn" / "front.json")
    assert ask(dashboard, "/api/regions?camera=front") == (200, {**document, "kept": True})


REFUSED = {
    "{": "this is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)): send",
    '{"exclude": [], "exclude": []}': "this is no JSON (line 1: the key 'exclude' stands there",
    '{"exclude": NaN}': "this is no JSON (",
    "": "this is no JSON (",
    "[" * 100_000: "this is no JSON (it is nested too deeply): send a JSON object",
    "[]": "this is JSON, but no object: send a JSON object",
    "null": "this is JSON, but no object: send a JSON object",
    '{"exclude": 3}': "exclude is 3: give a list",
    '{"exclude": [["a", "b", "c"]]}': "exclude is no list of polygons: give [[[x, y], [x, y], [x, y]]]",
    '{"exclude": [[[1e999, 0], [1, 0], [1, 1]]]}': "exclude is no list of polygons: give",
    f'{{"exclude": [[[{10**400}, 0], [1, 0], [1, 1]]]}}': "exclude is no list of polygons: give",
    '{"exclude": [[[0, 0], [1, 1]]]}': "exclude[0] has 2 corners: give 3 to 256",
    '{"exclud": []}': "exclud is not a setting: did you mean 'exclude'?",
    json.dumps({"exclude": [SKY] * 3000}): "exclude has 3000 polygons: give at most 32",
    json.dumps({"exclude": [SKY] * 30000}): "this is longer than 524288 bytes: send less",
}


def test_what_is_refused_is_said_and_changes_nothing(start: Start, watch: Watch, tmp_path: Path) -> None:
    dashboard = start()
    path = "/api/regions?camera=front"
    assert ask(dashboard, path, "PUT", {"exclude": [SKY]})[0] == 409  # nobody takes them yet
    attach(watch, [dashboard], tmp_path / "drawn")
    for body, words in REFUSED.items():
        status, said = ask(dashboard, path, "PUT", body)
        assert (status, said[: len(words)]) == (400, words)
    assert ask(dashboard, "/api/regions?camera=..%2Fother", "PUT", {"exclude": [SKY]}) == (404, "no such camera\n")
    assert ask(dashboard, "/api/regions")[0] == 404
    assert ask(dashboard, path, "POST", {"exclude": [SKY]})[0] == 405
    assert ask(dashboard, path, "PUT", {"exclude": [SKY]}, **{"Content-Type": "text/plain"})[0] == 415
    assert ask(dashboard, path, "PUT", {"exclude": [SKY]}, Origin="http://example.org")[0] == 403
    assert not watch.regions("front") and not (tmp_path / "drawn").exists()


def test_a_token_guards_them(start: Start, watch: Watch, tmp_path: Path) -> None:
    dashboard = start(token=TOKEN)
    attach(watch, [dashboard], tmp_path)
    assert ask(dashboard, "/api/regions?camera=front", "PUT", {"exclude": [SKY]})[0] == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert ask(dashboard, "/api/regions?camera=front", "PUT", {"exclude": [SKY]}, **bearer)[0] == 200


def test_without_a_folder_nothing_is_set(start: Start, watch: Watch) -> None:
    dashboard = start()
    attach(watch, [dashboard])
    assert ask(dashboard, "/api/regions?camera=front")[1]["kept"] is False
    status, said = ask(dashboard, "/api/regions?camera=front", "PUT", {"exclude": [SKY]})
    assert status == 409 and 'regions = "regions"' in said
    assert not watch.regions("front")


def test_a_disk_that_takes_no_file_is_said(start: Start, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    dashboard = start()
    attach(watch, [dashboard], tmp_path / "file")
    status, said = ask(dashboard, "/api/regions?camera=front", "PUT", {"exclude": [SKY]})
    assert status == 507 and "front.json" in said
    assert not watch.regions("front")
