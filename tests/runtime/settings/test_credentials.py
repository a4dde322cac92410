"""No user name and no password of an address or a parameter survives ``masked``."""

import logging
import sys
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.settings.credentials import (
    MASK,
    masked,
    masked_streams,
    remember,
    remember_address,
    shown_address,
)

# A secret long and odd enough not to be a part of the rest of the text by chance.
SECRET = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1).map(
    lambda text: f"Qx7{text}Zk9"
)
WITHOUT_QUOTES = SECRET.map(lambda text: text.replace('"', "").replace("'", ""))


@given(user=WITHOUT_QUOTES, password=WITHOUT_QUOTES, scheme=st.sampled_from(["rtsp", "http", "mqtt", "https"]))
def test_a_login_in_an_address_is_masked(user: str, password: str, scheme: str) -> None:
    shown = masked(f"cannot open {scheme}://{user}:{password}@192.0.2.7:554/live?channel=1: refused")
    assert user not in shown
    assert password not in shown
    assert shown.startswith(f"cannot open {scheme}://{MASK}@192.0.2.7:554/live")


@given(user=SECRET, password=SECRET)
def test_a_percent_encoded_login_is_masked(user: str, password: str) -> None:
    encoded = f"{quote(user, safe='')}:{quote(password, safe='')}"
    assert encoded not in masked(f"rtsp://{encoded}@camera/live")
    assert masked(f"rtsp://{encoded}@camera/live") == f"rtsp://{MASK}@camera/live"


@given(
    name=st.sampled_from(["password", "pwd", "Passwd", "token", "access_token", "api_key", "apikey", "secret", "user"]),
    secret=SECRET.map(lambda text: quote(text, safe="")),
)
def test_a_secret_parameter_is_masked(name: str, secret: str) -> None:
    shown = masked(f"http://camera/video.cgi?size=2&{name}={secret}&rate=5")
    assert secret not in shown
    assert shown == f"http://camera/video.cgi?size=2&{name}={MASK}&rate=5"


@given(secret=SECRET.map(lambda text: text.replace("\\", "").replace('"', "")))
def test_a_quoted_pipeline_property_is_masked(secret: str) -> None:
    shown = masked(f'rtspsrc location=rtsp://camera/live user-id="an admin" user-pw="{secret} with space" ! decodebin')
    assert secret not in shown
    assert "an admin" not in shown
    assert shown.endswith("! decodebin")


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://192.0.2.7:554/live?channel=1&subtype=0",
        "v4l2:///dev/video0?size=1280x720",
        "front: reject (low quality; score 0.31, threshold 0.35)",
    ],
)
def test_texts_without_credentials_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://admin:p@ss@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://admin:a/b@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://token@192.0.2.7/live", "rtsp://***@192.0.2.7/live"),
        ("rtsp://192.0.2.7/user=admin_password=tl_channel=1.sdp", "rtsp://192.0.2.7/user=***"),
        ("rtspsrc user-pw=secret ! x", "rtspsrc user-pw=*** ! x"),
        ("rtsp:/admin:secret@h/x does not exist", "rtsp:/***@h/x does not exist"),
        ("a rtsp://***@h/x: b http://***@g/y: c", "a rtsp://***@h/x: b http://***@g/y: c"),
        ("a rtsp://***@h/x: b http://u:p@g/y: c", "a rtsp://***@h/x: b http://***@g/y: c"),
    ],
)
def test_forms_that_cameras_really_use(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://192.0.2.7/live?channel=1&pass=x", "rtsp://192.0.2.7/live?channel=1&pass=***"),
        ("rtsp://192.0.2.7/live?pw=x&loginpas=y", "rtsp://192.0.2.7/live?pw=***&***"),
        ("rtsp://192.0.2.7/live#secret", "rtsp://192.0.2.7/live"),
        ('rtsp://a:p"x y@192.0.2.7:554/live', "rtsp://***@192.0.2.7:554/live"),
        ("rtsp://a:p?x@192.0.2.7/live", "rtsp://***"),
        ("rtsp://admin:secret", "rtsp://***"),
        ("rtsp://[fe80::1%eth0]:554/live", "rtsp://[fe80::1%eth0]:554/live"),
        ("admin:secret@192.0.2.7/live", "***@192.0.2.7/live"),
        ("rtmp://192.0.2.7/app/streamkey", "rtmp://192.0.2.7/***"),
        ("/videos/me@home/my clip.mp4", "/videos/me@home/my clip.mp4"),
        ("test://?script=clean:20,dark:5&fps=0", "test://?script=clean:20,dark:5&fps=0"),
        ("gst:v4l2src device=/dev/video0 ! video/x-raw,width=640 ! videoconvert",) * 2,
        (
            "gst:rtspsrc location=rtsp://a:b@h/x user-pw='c d' ! x",
            "gst:rtspsrc location=rtsp://***@h/x user-pw=*** ! x",
        ),
        ("gst:rtspsrc user-pw=c d e ! x", "gst:rtspsrc user-pw=*** *** ! x"),
        ("gst:a 'b", "gst:***"),
    ],
)
def test_an_address_as_it_is_shown(text: str, shown: str) -> None:
    assert shown_address(text) == shown
    assert masked(shown) == shown


def test_a_remembered_secret_is_masked_in_each_form_and_short_ones_only_alone() -> None:
    remember('p"w ü', "12ab")
    assert masked('said p"w ü, p%22w%20%C3%BC and p\\"w \\u00fc') == "said ***, *** and ***"
    assert masked("12ab 312ab x12abc 12ab.") == "*** 312ab x12abc ***."


def test_a_secret_of_one_letter_leaves_texts_as_they_are() -> None:
    assert remember_address("rtsp://a:a@camera/a") == "rtsp://***@camera/a"
    assert masked("a camera at rtsp://a:a@camera/a") == "a camera at rtsp://***@camera/a"


def test_the_programs_streams_mask_prints_logs_and_traces(capsys: pytest.CaptureFixture[str]) -> None:
    remember("hunter2-xyz")
    with masked_streams():
        print("out hunter2-xyz")
        logging.StreamHandler(sys.stderr).emit(logging.makeLogRecord({"msg": "log hunter2-xyz"}))
        try:
            int("hunter2-xyz http://u:other@host/")
        except ValueError:
            traceback.print_exc()
    said = capsys.readouterr()
    assert said.out == "out ***\n"
    assert "log ***" in said.err and "Traceback" in said.err and "ValueError" in said.err
    assert "hunter2" not in said.err and "other" not in said.err


def test_a_secret_behind_another_value_is_remembered_by_itself() -> None:
    remember_address("rtsp://192.0.2.7/user=joe_pw=Qx7%2Fse_cret%40Zk9_channel=1.sdp")
    assert masked("404: Qx7/se_cret@Zk9, Qx7%2Fse_cret%40Zk9") == f"404: {MASK}, {MASK}"
