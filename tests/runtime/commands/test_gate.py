"""``dgiqa-edge gate`` as a user runs it, with a bundle whose score is the frame's brightness."""

import json
import re
import sys

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import load_policy
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.ground.pages import html as pages

SETTINGS = """
[smoothing]
method = "none"
[dwell]
pass_s = 0
reject_s = 0
cool_down_s = 0
[start]
readings = 1
[score]
reject_below = 0.3
accept_above = 0.4
[cues]
luminance = {role = "off"}
occlusion = {role = "off"}
shadows = {role = "off"}
sharpness = {role = "off"}
contrast = {role = "off"}
haze = {role = "off"}
clipped = {role = "off"}
"""


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text(SETTINGS)
    return file


@pytest.fixture
def folders(tmp_path, make_photo):
    """Eight photos as they are and eight much darker ones."""
    for name, factor in (("good", 1.0), ("bad", 0.3)):
        (tmp_path / name).mkdir()
        for seed in range(8):
            photo = np.rint(make_photo(seed, 96, 128) * factor).astype(np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{seed}.png"), photo)
    return tmp_path / "good", tmp_path / "bad"


@pytest.fixture
def video(tmp_path, make_photo):
    """Five bright frames, five dark ones, five bright ones, at 5 frames per second."""
    file = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 5, (128, 96))
    photo = make_photo(1, 96, 128)
    for index in range(15):
        frame = np.roll(photo, index, axis=1)
        writer.write(frame // 5 if 5 <= index < 10 else frame)
    writer.release()
    return file


def test_the_defaults_are_a_policy_file(command_line, tmp_path):
    result = command_line("gate", "defaults")
    file = tmp_path / "defaults.toml"
    file.write_text(result.stdout)
    assert load_policy(file) == GatePolicy()


def test_run_gives_one_verdict_per_frame(command_line, bundle_dir, policy, video):
    result = command_line("gate", "run", "--bundle", bundle_dir, "--policy", policy, video, "--json")
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["frame"] for record in records] == list(range(15))
    assert [record["t_s"] for record in records] == pytest.approx([index / 5 for index in range(15)])
    assert [record["state"] for record in records] == ["pass"] * 5 + ["reject"] * 5 + ["pass"] * 5
    assert [record["frame"] for record in records if record["changed"]] == [0, 5, 10]
    dark = records[7]
    assert (dark["reason"], dark["cue"], dark["threshold"]) == ("low quality", "score", 0.4)
    assert dark["value"] == dark["score"] < 0.3
    assert dark["cues"]["luminance"] < records[0]["cues"]["luminance"]


def test_run_judges_by_what_regions_leave(command_line, bundle_dir, policy, folders, tmp_path):
    file, regions = tmp_path / "one.png", tmp_path / "regions.json"
    picture = cv2.imread(str(next(folders[0].iterdir())))
    picture[: picture.shape[0] // 2] = 0
    cv2.imwrite(str(file), picture)
    regions.write_text('{"exclude": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]}')
    arguments = ["gate", "run", "--bundle", bundle_dir, "--policy", policy, file, "--json"]
    whole = json.loads(command_line(*arguments).stdout)
    part = json.loads(command_line(*arguments, "--regions", regions).stdout)
    assert whole["cues"]["shadows"] >= 0.5 > part["cues"]["shadows"]
    assert part["score"] > whole["score"] + 0.1


def test_run_judges_by_the_profile_in_force(command_line, bundle_dir, folders, tmp_path):
    profiles = tmp_path / "profiles.toml"
    gate = '{score = {role = "off"}, cues = {luminance = {reject_below = 250, accept_above = 251}}}'
    profiles.write_text(f'[[profiles]]\nname = "late"\nwhen = "22:00-05:00"\ngate = {gate}\n')
    options = ["gate", "run", folders[0], "--bundle", bundle_dir, "--fps", "1", "--profiles", profiles, "--json"]
    late = command_line(*options, "--begin", str(22 * 3600 - 4))
    records = [json.loads(line) for line in late.stdout.splitlines()]
    assert [record["profile"] for record in records] == ["day"] * 4 + ["late"] * 4
    assert {record["profile"] for record in map(json.loads, command_line(*options).stdout.splitlines())} == {"late"}
    profiles.write_text('[[profiles]]\nname = "late"\nwhen = "soon"\n')
    refused = command_line(*options)
    assert refused.returncode == 2
    assert "profiles.toml: profiles[0].when is 'soon'" in refused.stderr


def test_run_without_json_prints_the_changes(command_line, bundle_dir, policy, video):
    result = command_line("gate", "run", "--bundle", bundle_dir, "--policy", policy, video, "--fps", "10")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:-1]] == [
        ["0", "0.000", "pass"],
        ["5", "0.500", "reject"],
        ["10", "1.000", "pass"],
    ]
    assert "low quality (score 0.0" in lines[2] and "threshold 0.4)" in lines[2]
    assert lines[-1] == "15 frames, 0 not readable"


def test_run_says_what_a_cut_video_lacks(command_line, bundle_dir, policy, video):
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    result = command_line("gate", "run", "--bundle", bundle_dir, "--policy", policy, video)
    told = re.search(r"^(\d+) frames, 0 not readable, (\d+) of 15 missing$", result.stdout, re.MULTILINE)
    frames, missing = int(told[1]), int(told[2])
    assert result.returncode == 3
    assert frames + missing == 15 and missing > 3
    assert f"{frames} frames read, {missing} of 15 are missing" in result.stderr

    result = command_line("gate", "run", "--bundle", bundle_dir, "--policy", policy, video, "--json")
    assert result.returncode == 3
    last = json.loads(result.stdout.splitlines()[-1])
    assert (last["frames"], last["missing"], last["expected"]) == (frames, missing, 15)


def test_a_damaged_photo_is_a_frame_without_signal(command_line, bundle_dir, policy, folders):
    good, _ = folders
    (good / "3.png").write_bytes(b"no picture")
    result = command_line("gate", "run", "--bundle", bundle_dir, "--policy", policy, good, "--json")
    assert result.returncode == 3
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(records) == 8
    assert (records[3]["state"], records[3]["reason"], records[3]["cues"]) == ("unknown", "no signal", None)
    assert "3.png" in records[3]["error"] and "3.png" in result.stderr
    assert [record["state"] for record in records[4:]] == ["pass"] * 4


@pytest.fixture
def labels(tmp_path):
    """Right about the dark second, wrong about the first one."""
    file = tmp_path / "labels.csv"
    file.write_text("start_s,end_s,reason\n0,1,hazy\n1,2,low_quality\n2,3.5,good\n")
    return file


@pytest.fixture
def quick(policy):
    """The policy, with reasons that need not settle."""
    policy.write_text(policy.read_text() + "[reason]\nsettle_s = 0\n")
    return policy


def test_run_against_labels_prints_precision_recall_and_delay(command_line, bundle_dir, quick, video, labels):
    command = ("gate", "run", "--bundle", bundle_dir, "--policy", quick, video, "--labels", labels)
    result = command_line(*command)
    assert result.returncode == 0, result.stderr
    rows = {line.split("  ")[0]: line.split()[-10:] for line in result.stdout.splitlines()[-4:]}
    assert rows["reason"][0] == "events"
    assert rows["low quality"] == ["1", "1", "1.00", "0.00", "0.00", "1", "0", "1.00", "1.00", "1.00"]
    assert rows["hazy"] == ["1", "0", "0.00", "-", "-", "0", "0", "-", "0.00", "-"]
    last = json.loads(command_line(*command, "--json").stdout.splitlines()[-1])
    assert last["file"] == str(video)
    assert (last["labels"]["low quality"]["recall"], last["labels"]["all"]["recall"]) == (1.0, 0.5)


def test_run_writes_a_page(command_line, bundle_dir, quick, video, labels, tmp_path):
    page = tmp_path / "film.html"
    command = ("gate", "run", "--bundle", bundle_dir, "--policy", quick, video, "--html", page)
    assert command_line(*command).returncode == 0
    assert "Against the labels" not in page.read_text()
    assert command_line(*command, "--labels", labels).returncode == 0
    text = page.read_text()
    for words in ("video.avi", "Against the labels", "low quality, 1.", "(score 0.0", "threshold 0.4)", "15 frames"):
        assert words in text, words
    assert text.count("data:image/jpeg;base64,") == 16  # each frame, and the worst one


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("0,1,foggy", "line 2: the reason 'foggy' is unknown"),
        ("0,9,hazy", "lies outside the film, which ends at 3.00 s"),
    ],
)
def test_labels_that_cannot_be_used_are_named(command_line, bundle_dir, policy, video, labels, tmp_path, rows, says):
    labels.write_text(f"start_s,end_s,reason\n{rows}\n")
    page = tmp_path / "film.html"
    command = ("gate", "run", "--bundle", bundle_dir, "--policy", policy, video, "--labels", labels, "--html", page)
    result = command_line(*command)
    assert result.returncode == 3 and says in result.stderr
    if "outside" in says:  # what was judged is shown nevertheless
        assert "lies outside the film" in page.read_text()
    else:
        assert not page.exists() and "frame" not in result.stdout


def test_a_page_without_jinja2_is_refused_before_the_work(bundle_dir, video, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    pages.environment.cache_clear()
    arguments = ["gate", "run", "--bundle", str(bundle_dir), str(video), "--html", str(tmp_path / "film.html")]
    assert main(arguments) == MachineError.exit_code
    captured = capsys.readouterr()
    assert f"an HTML page needs the package 'jinja2': {install_command('watch')}" in captured.err
    assert captured.out == "" and not (tmp_path / "film.html").exists()


def test_tune_writes_a_policy_that_tells_the_sets_apart(command_line, bundle_dir, folders, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    good, bad = folders
    out, plot = tmp_path / "tuned.toml", tmp_path / "roc.png"
    arguments = ["gate", "tune", "--good", good, "--bad", bad, "--bundle", bundle_dir]
    result = command_line(*arguments, "--out", out, "--plot", plot)
    assert result.returncode == 0, result.stderr
    assert "only 8 good photos" in result.stderr and "only 8 bad photos" in result.stderr
    assert "8 good and 8 bad photos" in out.read_text().splitlines()[0]
    tuned = load_policy(out)
    scored = json.loads(command_line(*arguments, "--json").stdout)["checks"]["score"]
    assert (scored["false_reject"], scored["caught"], scored["area"]) == (0.0, 1.0, 1.0)
    assert tuned.limits["score"].reject == scored["reject"] < scored["accept"] == tuned.limits["score"].accept
    assert tuned.dwell == GatePolicy().dwell
    row = next(line for line in result.stdout.splitlines() if line.startswith("score "))
    assert row.split()[-4:] == ["0.0%", "100.0%", "1.000", "reject"]
    height, width = cv2.imread(str(plot)).shape[:2]
    assert height > 300 and width > 300


def test_tune_counts_and_names_what_it_could_not_use(command_line, bundle_dir, folders):
    good, bad = folders
    (bad / "0.png").write_bytes(b"no picture")
    result = command_line("gate", "tune", "--good", good, "--bad", bad, "--bundle", bundle_dir)
    assert result.returncode == 3
    assert "8 good and 7 bad photos" in result.stdout
    assert "not used: " in result.stderr and "0.png" in result.stderr
    assert "[score]" in result.stdout  # without --out the policy is printed


def test_tune_tells_what_the_photos_of_each_folder_are_called(command_line, bundle_dir, folders):
    good, bad = folders
    for label, names in (("night", "0123"), ("zzz", "456")):
        (bad / label / "deeper").mkdir(parents=True)
        for name in names:
            (bad / f"{name}.png").rename(bad / label / "deeper" / f"{name}.png")
    arguments = ["gate", "tune", "--good", good, "--bad", bad, "--bundle", bundle_dir]
    found = json.loads(command_line(*arguments, "--json").stdout)
    assert (found["good"], found["bad"]) == (8, 8)
    assert {label: sum(calls.values()) for label, calls in found["reasons"].items()} == {
        "good": 8,
        "bad": 1,
        "night": 4,
        "zzz": 3,
    }
    assert "passes" not in found["reasons"]["night"]
    printed = command_line(*arguments).stdout
    assert [
        line.split()[0] for line in printed.splitlines() if line.startswith(("good ", "bad ", "night ", "zzz "))
    ] == [
        "good",
        "bad",
        "night",
        "zzz",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tune", "--good", "{good}", "--bad", "{good}"], 2, "among the good and the bad photos"),
        (["tune", "--good", "{good}", "--bad", "{nothing}"], 2, "nothing: there is no such folder"),
        (["tune", "--good", "{nothing}", "--bad", "{bad}"], 2, "nothing: there is no such folder"),
        (["tune", "--good", "{good}", "--bad", "{bad}", "--max-false-reject", "2"], 2, "is no number from 0 to 1"),
        (["tune", "--good", "{good}", "--bad", "{bad}", "--plot", "roc.txt"], 2, "must end in .png"),
        (["tune", "--good", "{good}", "--bad", "{bad}", "--out", "policy.yaml"], 2, "ends in .toml"),
        (["run", "{nothing}"], 3, "is no video, image or folder of images"),
        (["run", "{text}"], 3, "has no video stream"),
        (["run", "{good}", "--fps", "0"], 2, "is no number from 0.001"),
        (["run", "{good}", "--policy", "{text}"], 2, "must end in .toml"),
        (["run", "{good}", "--regions", "{text}"], 2, "no regions can be read"),
    ],
)
def test_wrong_use_is_one_line(capsys, bundle_dir, folders, tmp_path, arguments, code, message):
    text = tmp_path / "notes.mp4.txt"
    text.write_text("no video")
    names = {"good": folders[0], "bad": folders[1], "nothing": tmp_path / "nothing", "text": text}
    given = [argument.format(**names) for argument in arguments]
    assert main(["gate", *given, "--bundle", str(bundle_dir)]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(errors) == 1 and message in errors[0]
    assert not (tmp_path / "roc.txt").exists()
