"""What is kept of a film: seconds by hand, the worst moments, and no more of a long film than of a short one."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.tuning import film as film_module
from dgiqa_edge.runtime.tuning.film import GAP_S, MOST_STEPS, MOST_THUMBNAILS, MOST_TOLD, WORST_OF_EACH, Film, severity

GOOD = Verdict(State.PASS, "good", score=0.8)


def dark(value: float, **facts) -> Verdict:
    return Verdict(State.REJECT, "too dark", "luminance", value, 85.0, 0.2, **facts)


def picture(level: int = 0) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def gathered(verdicts, step_s=0.1, image=None) -> Film:
    film = Film()
    for index, verdict in enumerate(verdicts):
        film.add(index, index * step_s, image, verdict)
    film.end()
    return film


def test_each_frame_lasts_until_the_next_and_the_last_one_as_long_as_the_others():
    film = Film()
    for index, (t_s, verdict) in enumerate([(0.0, GOOD), (1.0, dark(30)), (1.5, dark(30)), (3.0, GOOD)]):
        film.add(index, t_s, None, verdict)
    film.end()
    assert film.seconds == {"good": 2.0, "too dark": 2.0}
    assert (film.end_s, film.frames, film.unread) == (4.0, 4, 4)
    assert [(step.start_s, step.end_s, step.state) for step in film.steps] == [
        (0.0, 1.0, State.PASS),
        (1.0, 1.5, State.REJECT),
        (1.5, 3.0, State.REJECT),
        (3.0, 4.0, State.PASS),
    ]


def test_no_frame_and_a_single_one():
    film = Film()
    film.end()
    assert (film.end_s, film.moments, film.steps) == (0.0, [], [])
    assert gathered([GOOD]).end_s > 0.0


def test_a_held_back_fault_passes_and_a_condition_is_no_fault():
    film = gathered(
        [Verdict(State.PASS, "too dark"), Verdict(State.REJECT, "recovering"), Verdict(State.UNKNOWN, "starting")]
    )
    assert set(film.seconds) == {"good", "recovering", "starting"} and film.moments == []


def test_the_worst_frame_of_each_spell_is_kept_and_of_many_spells_the_worst():
    film, t_s, index = Film(), 0.0, 0
    for depth in (40, 20, 60, 30):  # four spells, apart by more than the gap
        for value in (depth + 10, depth, depth + 5):
            film.add(index, t_s, picture(int(value)), dark(value))
            index, t_s = index + 1, t_s + 0.5
        t_s += GAP_S + 0.5
        film.add(index, t_s, picture(200), GOOD)
        index, t_s = index + 1, t_s + 0.5
    film.end()
    assert [moment.verdict.value for moment in film.moments] == [20, 30, 40]  # WORST_OF_EACH of them
    for moment in film.moments:
        assert moment.end_s - moment.start_s == 1.0
        level = cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR).mean()
        assert abs(level - moment.verdict.value) < 2 and moment.picture is None


def test_a_fault_away_for_less_than_the_gap_is_one_spell():
    film = gathered([dark(30), GOOD, dark(20), GOOD, dark(40)])
    assert [(moment.index, moment.verdict.value) for moment in film.moments] == [(2, 20)]


def test_no_signal_is_the_worst_and_has_no_picture():
    film = Film()
    film.add(0, 0.0, picture(), dark(30))
    film.add(1, 0.1, None, Verdict(State.UNKNOWN, "no signal", announced=True))
    film.end()
    assert [(moment.verdict.reason, moment.jpeg is None) for moment in film.moments] == [
        ("no signal", True),
        ("too dark", False),
    ]


@pytest.mark.parametrize(
    ("verdict", "share"),
    [
        (dark(85.0), 0.0),
        (dark(16.0), 1.0),
        (dark(2.0), 1.0),
        (dark(50.5), 0.5),
        (Verdict(State.REJECT, "over-exposed", "clipped", 0.425, 0.25), 0.5),
        (Verdict(State.REJECT, "frozen", "change", 0.001, 0.008), 0.5),
        (Verdict(State.UNKNOWN, "no signal"), 1.0),
    ],
)
def test_severity_is_on_the_scale_of_the_gate(verdict, share):
    assert severity(verdict) == pytest.approx(share)


def test_hours_take_no_more_memory_than_minutes():
    reasons = ("too dark", "blurred", "noisy", "hazy")
    film = Film()
    for index in range(20_000):
        verdict = Verdict(
            State.REJECT, reasons[index // 700 % 4], "luminance", 20.0, 85.0, 0.5, announced=index % 7 == 0
        )
        film.add(index, index * 0.9, picture(index % 256), verdict)
        assert len(film.steps) <= MOST_STEPS + 1 and len(film.thumbnails) <= MOST_THUMBNAILS
    film.end()
    assert len(film.steps) > MOST_STEPS // 2
    assert len(film.moments) == WORST_OF_EACH * 4
    assert (len(film.told), film.tellings) == (MOST_TOLD, 2858)
    assert sum(film.seconds.values()) == pytest.approx(film.end_s) == pytest.approx(20_000 * 0.9)
    times = [one.t_s for one in film.thumbnails]
    assert len(times) > MOST_THUMBNAILS // 2 and np.allclose(np.diff(times), times[1] - times[0])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.sampled_from(list(State))), min_size=2, max_size=80))
def test_steps_hold_every_frame(frames):
    reason = {State.PASS: "good", State.REJECT: "hazy", State.UNKNOWN: "starting"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(film_module, "MOST_STEPS", 8)
        film = gathered([Verdict(state, reason[state], score=score) for score, state in frames], step_s=1.0)
    assert len(film.steps) <= 9
    assert sum(step.scored for step in film.steps) == len(frames)
    assert sum(step.total for step in film.steps) == pytest.approx(sum(score for score, _ in frames))
    assert [step.start_s for step in film.steps[1:]] == [step.end_s for step in film.steps[:-1]]
    for step in film.steps:
        inside = frames[round(step.start_s) : round(step.end_s)]
        assert (step.lowest, step.highest) == (min(inside)[0], max(inside)[0])
        assert step.reasons == {reason[state] for _, state in inside}
        worst = {state for _, state in inside}
        assert step.state is next(it for it in (State.REJECT, State.UNKNOWN, State.PASS) if it in worst)
