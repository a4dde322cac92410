"""Which pictures belong to which incident, when one ends, and what goes first where memory is short."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.watch.sinks.evidence.roll import LONGEST_S, Roll, Shot


def shot(at: float) -> Shot:
    return Shot(at, b"x" * 10, "{}")


def times(roll: Roll) -> list[list[float]]:
    return [[shot.at for shot in incident.shots] for incident in roll.finished]


def test_an_incident_has_the_seconds_before_and_after() -> None:
    roll = Roll(before_s=2.0, after_s=3.0)
    for t in range(20):
        roll.take("front", float(t), shot(t), "told" if t == 10 else None)
    assert times(roll) == [[8, 9, 10, 11, 12, 13]]
    assert (roll.finished[0].began_at, roll.finished[0].records) == (10.0, ["told"])


def test_what_is_told_meanwhile_prolongs_it_and_what_follows_has_its_own_with_the_pictures_before() -> None:
    roll = Roll(before_s=2.0, after_s=2.0)
    for t in range(20):
        roll.take("front", float(t), shot(t), f"at {t}" if t in (5, 7, 11) else None)
    assert times(roll) == [[3, 4, 5, 6, 7, 8, 9], [9, 10, 11, 12, 13]]
    assert [incident.records for incident in roll.finished] == [["at 5", "at 7"], ["at 11"]]


def test_a_state_that_flickers_for_ever_is_cut_into_pieces() -> None:
    roll = Roll(before_s=1.0, after_s=5.0)
    for t in range(200):
        roll.take("front", float(t), shot(t), "told")
    assert len(roll.finished) == 3
    assert all(len(incident.records) == LONGEST_S + 1 for incident in roll.finished)


def test_a_loss_waits_for_no_picture() -> None:
    roll = Roll(before_s=5.0, after_s=5.0)
    roll.take("front", 1.0, shot(1), None)
    roll.take("front", 3.0, None, "lost", last=True)
    assert times(roll) == [[1]]


@pytest.mark.parametrize("back_to", [-1000.0, 2.0])
def test_a_clock_that_is_set_back_ends_the_incident(back_to: float) -> None:
    roll = Roll(before_s=1.0, after_s=5.0)
    roll.take("front", 10.0, shot(10), "told")
    roll.take("front", back_to, shot(back_to), "told again")
    roll.finish_all()
    assert times(roll) == [[10], [back_to]]


def test_the_oldest_picture_of_any_camera_goes_first_and_those_of_incidents_stay() -> None:
    roll = Roll(before_s=100.0, after_s=5.0)
    roll.take("rear", 2.0, shot(2), None)
    roll.take("front", 1.0, shot(1), None)
    roll.take("side", 0.0, shot(0), "told")
    size = roll.size
    assert size == 3 * 12 + len("told")
    assert roll.forget_oldest() and roll.size == size - 12 and not roll.holds("front") and roll.holds("rear")
    assert roll.forget_oldest() and not roll.forget_oldest()
    roll.finish_oldest()
    assert times(roll) == [[0]]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 30), st.booleans(), st.booleans()), max_size=40))
def test_no_record_is_lost_and_size_is_that_of_what_is_held(events: list[tuple[str, float, bool, bool]]) -> None:
    roll = Roll(before_s=3.0, after_s=3.0)
    for camera, t, pictured, told in events:
        roll.take(camera, t, shot(t) if pictured else None, f"{camera}{t}" if told else None)
    while roll.forget_oldest():
        pass
    roll.finish_all()
    records = [(incident.camera, record) for incident in roll.finished for record in incident.records]
    assert sorted(records) == sorted((camera, f"{camera}{t}") for camera, t, _, told in events if told)
    for incident in roll.finished:
        assert [shot.at for shot in incident.shots] == sorted(shot.at for shot in incident.shots)
