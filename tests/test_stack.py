"""``runtime/containers/stack.yaml``: a real Prometheus, by its configuration, scrapes a real watch and answers all that
the alarms and Grafana's panels ask. Grafana and Triton are not started: no package index has the one, and the other's
image wants a GPU.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from places import ROOT
from stand_ins import free_port

from dgiqa_edge.runtime.gate.vocabulary import FAULTS

HERE = ROOT / "runtime" / "containers"
STACK = yaml.safe_load((HERE / "stack.yaml").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((HERE / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads((HERE / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
ASKED = {
    **{
        f"panel {panel['title']}, {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    },
    **{f"alarm {rule['alert']}": rule["expr"] for rule in ALERTS},
}
# What the legend of a panel names.
LABELS = {
    f"panel {panel['title']}, {target['refId']}": set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
GATEWAY, SERVER = "127.0.0.1:9108", "127.0.0.1:9090"
PROMETHEUS = shutil.which("prometheus")
WATCH = """\
bundle = "{bundle}"
[engine]
threads = 1
[[cameras]]
name = "front"
source = "test://?script=clean:20,dark:80&size=64x48&fps=20&loop=true"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
[[sinks]]
type = "prometheus"
listen = "{listen}"
"""


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[..., None]]:
    """Start a program that ends with the module."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: Any, **environment: str) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen([*map(str, command)], env={**os.environ, **environment}, **quiet))

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


@pytest.fixture
def site(tmp_path: Path, bundle_dir: Path, run: Callable[..., None]) -> SimpleNamespace:
    """A watch, and ``query`` of a Prometheus that has scraped it twice."""
    gateway, server = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    (tmp_path / "watch.toml").write_text(WATCH.format(bundle=bundle_dir, listen=gateway))
    run(sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", tmp_path / "watch.toml")
    for file in (HERE / "prometheus").iterdir():
        text = file.read_text(encoding="utf-8").replace(GATEWAY, gateway).replace("_interval: 10s", "_interval: 1s")
        (tmp_path / file.name).write_text(text)
    told = [word.replace(SERVER, server) for word in STACK["services"]["prometheus"]["command"]]
    told = [
        word.replace("/etc/prometheus", str(tmp_path)).replace("=/prometheus", f"={tmp_path}/data") for word in told
    ]
    run(PROMETHEUS, *told)

    def ask(what: str) -> Any:
        answer = json.load(urllib.request.urlopen(f"http://{server}/api/v1/{what}", timeout=10))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(f"query?{urllib.parse.urlencode({'query': expression})}")["result"]
        return found

    until = time.monotonic() + 90
    while True:
        try:
            if query("count_over_time(dgiqa_edge_score[1m]) > 2") and query("max_over_time(dgiqa_edge_fault[1m]) > 0"):
                return SimpleNamespace(ask=ask, query=query)
        except OSError:
            pass
        assert time.monotonic() < until, "Prometheus has no score or no fault of the watch"
        time.sleep(0.3)


@pytest.mark.skipif(PROMETHEUS is None, reason="no Prometheus: apt-get install prometheus")
def test_all_that_is_asked_is_answered_by_a_real_prometheus(site: SimpleNamespace) -> None:
    for what, expression in ASKED.items():
        found = site.query(expression)
        if what.startswith("panel"):
            assert found, f"{what} shows nothing: {expression}"
            assert all(LABELS[what] <= it["metric"].keys() for it in found), f"{what} names another label"
        else:  # an alarm compares: the same without its threshold
            assert site.query(re.sub(r" (==|>) \d+$", "", expression)), f"{what} can never be raised: {expression}"
    states = {it["metric"]["camera"] for it in site.query('dgiqa_edge_verdict_state{state="reject"}')}
    assert states == {"front"}
    (rules,) = site.ask("rules")["groups"]
    assert {rule["name"]: rule["health"] for rule in rules["rules"]} == {rule["alert"]: "ok" for rule in ALERTS}
    health = {it["labels"]["job"]: it["health"] for it in site.ask("targets")["activeTargets"]}
    assert health == {"dgiqa-edge": "up", "triton": "down"}  # no Triton runs here


def test_the_alarm_for_people_is_for_what_waits_for_them() -> None:
    (rule,) = [rule for rule in ALERTS if rule["alert"] == "CameraNeedsAPerson"]
    (named,) = re.findall(r'fault=~"(.*?)"', rule["expr"])
    assert named.split("|") == [fault.slug for fault in FAULTS.values() if fault.lasting]


def test_every_metric_that_is_asked_for_is_in_the_documents_or_the_code() -> None:
    named = {name for text in ASKED.values() for name in re.findall(r"dgiqa_edge_\w+", text)}
    families = (ROOT / "runtime" / "watch" / "metrics" / "families.py").read_text(encoding="utf-8")
    families += (ROOT / "runtime" / "watch" / "metrics" / "prometheus.py").read_text(encoding="utf-8")
    assert len(named) > 8
    for name in named:
        stem = re.sub(r"_(total|bucket)$", "", name.removeprefix("dgiqa_edge_"))
        assert f"{stem}" in families or stem.startswith("sink_"), name


def test_what_the_stack_mounts_is_there_and_nothing_listens_for_others() -> None:
    for name, service in STACK["services"].items():
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: the image's version is pinned"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (HERE / source).exists(), f"{name}: {source}"
            assert source.startswith((".", "$")) or source in STACK["volumes"], f"{name}: {source}"
    text = (HERE / "stack.yaml").read_text(encoding="utf-8")
    assert "0.0.0.0" not in text
    assert text.count("127.0.0.1") >= 5
    assert (
        yaml.safe_load((HERE / "grafana" / "datasource.yaml").read_text())["datasources"][0]["url"]
        == f"http://{SERVER}"
    )
    (gateway, _) = yaml.safe_load((HERE / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    example = (ROOT / "runtime" / "examples" / "rtsp.toml").read_text(encoding="utf-8")
    assert all(f'listen = "{it}"' in example for one in gateway["static_configs"] for it in one["targets"])


def test_panels_use_the_datasource_and_do_not_overlap() -> None:
    (source,) = yaml.safe_load((HERE / "grafana" / "datasource.yaml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
