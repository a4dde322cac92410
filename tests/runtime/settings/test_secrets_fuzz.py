"""Addresses of every form with secrets of every character: no secret in anything that people or programs read.

Each secret begins and ends with a mark of its own, so a part of it that is left over is found as well.
"""

import json
import os
import random
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.settings.credentials import forget_all, masked, remember_address, shown_address
from dgiqa_edge.runtime.settings.section import Section
from dgiqa_edge.runtime.watch.assembly.config import parse_watch_settings
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, record_text
from dgiqa_edge.runtime.watch.loop.capture import CaptureSnapshot
from dgiqa_edge.runtime.watch.metrics.families import status_families
from dgiqa_edge.runtime.watch.sources import create_source
from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, SinkStats, WatchStatus
from dgiqa_edge.runtime.watch.summary import summary_table

PATH = Path("/etc/watch/watch.toml")
MARKS = ("Qx7", "Zk9")
CHARACTERS = (
    string.printable.replace("\n", "").replace("\r", "").replace("\x0b", "").replace("\x0c", "") + "äß漢é ∂\udce9"
)
HOSTS = ("192.0.2.7", "camera.example:554", "[fe80::1%eth0]:80", "[::1]", "", "[::1", "ho st", "host:port", "-", "a..b")
TEMPLATES = (
    "{scheme}://{user}:{secret}@{host}/live",
    "{scheme}://{user}:{secret}@{host}",
    "{scheme}://{user}:{secret}@{host}/live?channel=1&subtype=0#top",
    "{scheme}://:{secret}@{host}/",
    "{scheme}://{secret}@{host}/live",
    "{scheme}://{user}:{secret}@x@{host}/live",
    "{scheme}://{user}:{secret}@{host}/cgi?{name}={secret}&size=2",
    "{scheme}://{host}/cgi?{name}={secret}",
    "{scheme}://{host}/cgi?channel=1&{name}={secret}&rate=5",
    "{scheme}://{host}/user={user}_password={secret}_channel=1.sdp",
    "{scheme}://{host}/live?x=1#{secret}",
    "{scheme}:/{user}:{secret}@{host}/live",
    "{scheme}:{user}:{secret}@{host}/live",
    "{scheme}//{user}:{secret}@{host}/live",
    "//{user}:{secret}@{host}/live",
    "{user}:{secret}@{host}/live",
    " {scheme}://{user}:{secret}@{host}/live",
    'gst:rtspsrc location="{scheme}://{user}:{secret}@{host}/live" ! decodebin',
    "gst:rtspsrc location=rtsp://192.0.2.7/live user-id={user} user-pw={quoted} latency=200 ! decodebin",
    "gst:souphttpsrc location=http://192.0.2.7/cgi?{name}={quoted} ! jpegdec",
)
NAMES = ("pass", "pw", "loginpas", "usr", "PWD", "password", "x", "key", "sig", "jpegauth", "päss")


def secrets(rng: random.Random) -> Iterator[tuple[str, str]]:
    """A secret, and how an address holds it."""
    while True:
        inner = "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(1, 8)))
        secret = f"{MARKS[0]}{inner}{MARKS[1]}"
        yield secret, rng.choice((secret, quote(os.fsencode(secret), safe=""), quote(os.fsencode(secret))))


def addresses(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """An address, and the secret in it as it is meant."""
    rng = random.Random(seed)
    for number, (secret, written) in zip(range(count), secrets(rng), strict=False):
        template = TEMPLATES[number % len(TEMPLATES)]
        escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
        values = {
            "scheme": rng.choice(("rtsp", "rtsps", "http", "https", "RTSP", "rtmp", "mqtt")),
            "user": rng.choice(("admin", "", "us er", 'a"b', "ä")),
            "secret": written,
            "host": rng.choice(HOSTS),
            "name": rng.choice(NAMES),
            "quoted": rng.choice((f'"{escaped}"', written)),
        }
        yield template.format(**values), secret


def texts_about(address: str) -> Iterator[str]:
    """Everything that the program says about a source: the configuration's and the source's errors, what a library
    makes of the address, and where such a text goes from there."""
    remember_address(address)
    yield shown_address(address)
    for attempt in (
        lambda: create_source(address).describe(),
        lambda: parse_watch_settings({"bundle": "b", "cameras": [{"name": "a", "source": address}]}, PATH, {}),
        lambda: parse_watch_settings({"bundle": "b", "cameras": [{"name": address, "source": "a"}]}, PATH, {}),
        lambda: Section({"fps": address}, "options").number("fps", 1.0),
        lambda: Section({"fps": [address]}, "options").choice("fps", "a", ("a",)),
    ):
        try:
            yield repr(attempt())
        except DgiqaEdgeError as error:
            yield masked(str(error))
    problem = f"{address} does not answer"
    camera = CameraStatus("front", address, CameraState.RETRYING, problem)
    sinks = {"mqtt": SinkStats(0, 0, 0, 0, 0, last_error=problem)}
    status = WatchStatus(0.0, 1.0, False, None, "b", "nano", "int8", (), (camera,), sinks)
    yield json.dumps(status.to_json())
    yield summary_table(status)
    yield str(list(status_families(status)))
    for said in (f"[tcp] {address}: refused", f"cannot open '{address}'", repr(address), json.dumps({"url": address})):
        yield masked(said)
        yield str(CaptureSnapshot(problem=said).problem)
        yield record_text(FrameEvent("front", 0, 0.0, Outcome.FAILED, error=said))
        yield str(SinkStats(0, 0, 0, 0, 0, last_error=said).last_error)


def check(addresses_and_secrets: Iterator[tuple[str, str]], texts: Callable[[str], Iterator[str]] = texts_about) -> int:
    checked = 0
    for address, secret in addresses_and_secrets:
        for text in texts(address):
            assert not any(mark in text for mark in MARKS), (address, secret, text)
            checked += 1
        forget_all()
    return checked


def test_no_secret_of_a_thousand_addresses_is_said() -> None:
    assert check(addresses(1, 1000)) > 20_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_no_secret_of_a_hundred_thousand_addresses_is_said(seed: int) -> None:
    assert check(addresses(seed, 20_000)) > 200_000
