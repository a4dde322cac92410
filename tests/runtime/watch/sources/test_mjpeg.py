"""An HTTP camera on loopback: frames, damage, login, silence, and words for what is wrong."""

import threading
from typing import Any

import pytest
from stand_ins.pictures import jpeg, read_all

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings


def test_frames_in_their_order_then_the_end(camera: Any) -> None:
    source = create_source(f"http://{camera.host}/video.mjpg?fps=5")
    *frames, end = read_all(source)
    assert [round(float(frame.image[0, 0, 0]) / 20) for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (48, 64, 3)
    assert isinstance(end, End)
    assert source.live
    assert source.describe() == {
        "family": "mjpeg",
        "source": f"http://{camera.host}/video.mjpg?fps=5",
        "decoder": "opencv",
    }


def test_it_can_be_opened_again_and_closed_twice(camera: Any) -> None:
    source = create_source(f"http://{camera.host}/")
    assert len(read_all(source)) == 4
    assert len(read_all(source)) == 4
    source.close()
    assert isinstance(source.read(), End)


def test_a_size_that_changes_is_passed_on(camera: Any) -> None:
    camera.parts = [jpeg(0), jpeg(1, (32, 24))]
    frames = read_all(create_source(f"http://{camera.host}/"))[:-1]
    assert [frame.image.shape[:2] for frame in frames] == [(48, 64), (24, 32)]


def test_damaged_pictures_are_told_and_the_next_one_is_read(camera: Any) -> None:
    whole = jpeg(1)
    camera.parts = [whole, whole[: len(whole) // 2], b"no picture", b"", b"\xff\xd8\xff\xd9", whole]
    results = read_all(create_source(f"http://{camera.host}/"))
    assert [type(result) for result in results] == [Frame, Damaged, Damaged, Damaged, Damaged, Frame, End]
    assert "cut off" in results[1].reason


@pytest.mark.parametrize("password", ["secret", "p@ss:w/rd?x&y=1", "päss wörd"])
def test_login_with_any_password(camera: Any, password: str) -> None:
    from urllib.parse import quote

    camera.login = f"admin:{password}"
    source = create_source(f"http://admin:{quote(password, safe='')}@{camera.host}/v?token=abcdef")
    assert len(read_all(source)) == 4
    assert quote(password, safe="") not in str(source.describe())
    assert "abcdef" not in str(source.describe())


def test_a_password_with_an_unescaped_at_sign(camera: Any) -> None:
    camera.login = "admin:p@ss"
    assert len(read_all(create_source(f"http://admin:p@ss@{camera.host}/v"))) == 4


def test_a_wrong_password_is_said_without_it(camera: Any) -> None:
    camera.login = "admin:right"
    source = create_source(f"http://admin:wrongsecret@{camera.host}/v")
    with pytest.raises(SourceError, match=r"401.*check user and password") as caught:
        source.open()
    assert "wrongsecret" not in str(caught.value)


def test_no_stream_of_pictures(camera: Any) -> None:
    camera.content_type = "text/html"
    with pytest.raises(SourceError, match=r"answers with text/html"):
        create_source(f"http://{camera.host}/").open()


def test_nobody_there() -> None:
    with pytest.raises(SourceError, match="does not answer"):
        create_source("http://127.0.0.1:9/v").open()


def test_a_silent_camera_ends_by_the_time_out(camera: Any) -> None:
    camera.then = "hang"
    results = read_all(create_source(f"http://{camera.host}/", surroundings=Surroundings(1.0, 0.3)))
    assert len(results) == 4
    assert "timed out" in results[-1].reason


def test_a_read_that_waits_can_be_interrupted(camera: Any, wait_for: Any) -> None:
    camera.then = "hang"
    source = create_source(f"http://{camera.host}/", surroundings=Surroundings(60.0, 60.0))
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.extend(read_all(source)))
    thread.start()
    wait_for(lambda: camera.requests == 1)
    while thread.is_alive():
        source.interrupt()
        thread.join(0.05)
    assert isinstance(results[-1], End)


@pytest.mark.parametrize("address", ["http://host:99999/", "http://admin:a/b@host/", "http://:80/"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigurationError):
        create_source(address)


def test_an_option_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"cameras\[0\]\.options\.fps"):
        create_source("http://host/", {"fps": 5}, path="cameras[0].options")
