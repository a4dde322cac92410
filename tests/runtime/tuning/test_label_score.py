"""Figures of labelled spans against some worked out by hand, and against their definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.tuning.label_score import ALL, Span, SpanLine, VerdictSpans, label_scores, label_table

REASONS = ("too dark", "blurred", None)


@st.composite
def spans(draw):
    """Spans in order of which no two share time, as labels and a film's verdicts are."""
    ends = sorted(draw(st.sets(st.integers(0, 40), max_size=12)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return [Span(start / 2, end / 2, draw(st.sampled_from(REASONS))) for start, end in pairs]


LABELS = [Span(10, 20, "too dark"), Span(20, 30, "blurred"), Span(30, 40, None), Span(50, 60, "too dark")]
TOLD = [
    Span(9, 9.5, "low quality"),  # told before anything is wrong
    Span(11.5, 21, "too dark"),
    Span(31, 33, "blurred"),  # too late
    Span(58, 70, "too dark"),
]


def test_what_is_found_when_and_what_is_false():
    scores = label_scores(LABELS, TOLD, [Span(11, 20, "too dark"), Span(20, 24, "hazy")])
    assert list(scores) == ["too dark", "blurred", "low quality", "hazy", ALL]
    dark, blurred, low = scores["too dark"], scores["blurred"], scores["low quality"]
    assert (dark.events, dark.delays_s, dark.alarms, dark.false_alarms) == (2, (1.5, 8.0), 2, 0)
    assert (dark.recall, dark.precision, dark.seconds_recall, dark.seconds_precision) == (1.0, 1.0, 9 / 20, 1.0)
    assert (blurred.recall, blurred.precision, blurred.seconds_precision) == (0.0, 0.0, None)
    assert (low.recall, low.precision, low.to_dict()["median_delay_s"]) == (None, 0.0, None)
    assert (scores["hazy"].precision, scores["hazy"].seconds_precision) == (None, 0.0)
    every = scores[ALL]
    assert (every.events, every.recall, every.alarms, every.precision) == (3, 2 / 3, 4, 0.5)
    assert every.to_dict()["longest_delay_s"] == 8.0


def test_the_table_has_a_line_per_reason():
    lines = label_table(label_scores(LABELS, TOLD, TOLD)).splitlines()
    assert lines[0].split()[:4] == ["reason", "events", "found", "recall"]
    assert lines[1].split() == ["too", "dark", "2", "2", "1.00", "4.75", "8.00", "2", "0", "1.00", "0.53", "0.49"]
    assert lines[3].split() == ["low", "quality", "0", "0", "-", "-", "-", "1", "1", "0.00", "-", "0.00"]
    assert len({len(line) for line in lines}) == 1


def test_told_before_it_begins_and_still_is_found_at_once():
    (score, _) = label_scores([Span(5, 8, "frozen")], [Span(1, 6, "frozen")], []).values()
    assert (score.delays_s, score.false_alarms) == ((0.0,), 0)


@pytest.mark.parametrize("touching", [Span(0, 5, "frozen"), Span(8, 9, "frozen")])
def test_what_only_touches_a_label_shares_no_time_with_it(touching):
    (score, _) = label_scores([Span(5, 8, "frozen")], [touching], [touching]).values()
    assert (score.recall, score.precision, score.shared_s) == (0.0, 0.0, 0.0)


def test_nothing_is_not_perfect():
    (nothing,) = label_scores([Span(0, 9, None)], [], []).values()
    assert (nothing.recall, nothing.precision, nothing.seconds_recall) == (None, None, None)


@given(spans())
def test_a_gate_that_says_what_the_labels_say_is_perfect(labels):
    for score in label_scores(labels, labels, labels).values():
        assert score.recall in (1.0, None) and score.precision in (1.0, None)
        assert score.seconds_recall in (1.0, None) and score.seconds_precision in (1.0, None)
        assert set(score.delays_s) <= {0.0}


@given(spans(), spans(), spans())
def test_the_figures_are_by_their_definitions(labels, told, given_spans):
    scores = label_scores(labels, told, given_spans)
    for reason, score in scores.items():
        if reason == ALL:
            continue
        named = [span for span in labels if span.reason == reason]
        alarms = [span for span in told if span.reason == reason]
        # Half seconds, by which all spans begin and end.
        times = [half / 2 for half in range(41)]
        holds = [
            {t for t in times if any(span.start_s <= t < span.end_s for span in side if span.reason == reason)}
            for side in (labels, told, given_spans)
        ]
        assert score.events == len(named) and score.alarms == len(alarms)
        assert score.shared_s == len(holds[0] & holds[2]) / 2
        false = [span for span in alarms if not any(span.start_s <= t < span.end_s for t in holds[0])]
        assert score.false_alarms == len(false)
        delays = [
            min(hits) - span.start_s
            for span in named
            if (hits := [t for t in times if t in holds[1] and span.start_s <= t < span.end_s])
        ]
        assert list(score.delays_s) == delays
    every = scores.pop(ALL)
    assert every.events == sum(score.events for score in scores.values())
    assert every.false_alarms == sum(score.false_alarms for score in scores.values())


@given(st.lists(st.sampled_from(REASONS), max_size=30))
def test_a_line_of_reasons_holds_each_for_as_long_as_it_was_given(reasons):
    line = SpanLine()
    for t, reason in enumerate(reasons):
        line.add(float(t), reason)
    found = line.until(float(len(reasons)))
    spread: list[str | None] = [None] * len(reasons)
    for span in found:
        assert span.reason is not None and span.end_s > span.start_s
        for t in range(int(span.start_s), int(span.end_s)):
            spread[t] = span.reason
    assert spread == reasons
    changes = sum(now != before and now is not None for before, now in zip([None, *reasons], reasons, strict=False))
    assert len(found) == changes


def test_verdicts_become_what_people_are_told_and_what_frames_are_rejected_for():
    spans = VerdictSpans()
    for t, (state, reason, announced) in enumerate(
        [
            (State.UNKNOWN, "starting", True),
            (State.PASS, "too dark", False),  # held back by the least dwell
            (State.REJECT, "noisy", False),  # on the way there
            (State.REJECT, "too dark", True),
            (State.REJECT, "too dark", False),
            (State.REJECT, "recovering", False),
            (State.PASS, "good", False),
            (State.PASS, "good", True),
            (State.UNKNOWN, "no signal", True),
        ]
    ):
        spans.add(float(t), Verdict(state, reason, announced=announced))
    told, given_spans = spans.until(9.5)
    assert told == [Span(3, 7, "too dark"), Span(8, 9.5, "no signal")]
    assert given_spans == [Span(2, 3, "noisy"), Span(3, 5, "too dark"), Span(8, 9.5, "no signal")]
