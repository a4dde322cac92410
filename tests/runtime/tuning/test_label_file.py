"""A label file says what people mean, or is refused in words that name its line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ReportError, SourceError
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.tuning.label_file import read_labels, within
from dgiqa_edge.runtime.tuning.label_score import Span

HEAD = "start_s,end_s,reason\n"


def read(folder, text):
    file = folder / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_labels(file)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_names_slugs_and_clean_spans_in_any_order(tmp_path, ends):
    text = "\ufeff" + HEAD + "20,30.5,too_dark\n 10, 20, Over-exposed\n\n0,10,\n31,40,good\n"
    assert read(tmp_path, text.replace("\n", ends)) == [
        Span(0.0, 10.0, None),
        Span(10.0, 20.0, "over-exposed"),
        Span(20.0, 30.5, "too dark"),
        Span(31.0, 40.0, None),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("start,end,reason\n1,2,hazy\n", "begins with 'start,end,reason': its first line is start_s,end_s,reason"),
        ("1,2,hazy\n", "its first line is start_s,end_s,reason"),
        (HEAD + "1,2\n", "line 2 has 2 cells"),
        (HEAD + "0,1,\n1,two,hazy\n", "line 3: end_s is 'two': give seconds"),
        (HEAD + "-1,2,hazy\n", "line 2: start_s is '-1'"),
        (HEAD + "0,inf,hazy\n", "line 2: end_s is 'inf'"),
        (HEAD + "3,3,hazy\n", "line 2: it ends at 3 s and begins at 3 s"),
        (HEAD + "0,1,hasy\n", "line 2: the reason 'hasy' is unknown: did you mean 'hazy'?"),
        (HEAD + "0,1,xyzzy\n", "give one of blurred, noisy,"),
        (HEAD + "10,20,hazy\n0,10.5,\n", "lines 3 and 2: both hold at 10 s"),
        (HEAD + '0,1,"hazy\n', "is no CSV file"),
        ("\ufeff", "its first line is"),
        (b"\xff\xfe\x00", "is no CSV file"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path, text, says):
    with pytest.raises(ReportError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value) and "labels.csv" in str(caught.value)


def test_an_empty_or_missing_file(tmp_path):
    assert read(tmp_path, HEAD) == []
    with pytest.raises(SourceError, match="is empty"):
        read(tmp_path, "")
    with pytest.raises(SourceError, match="does not exist"):
        read_labels(tmp_path / "other.csv")


def test_labels_outside_the_film_are_refused_and_rounded_ends_cut_off():
    labels = [Span(0.0, 4.0, None), Span(4.0, 10.4, "hazy")]
    assert within(labels, 9.96, "labels.csv") == [Span(0.0, 4.0, None), Span(4.0, 9.96, "hazy")]
    for end_s in (9.3, 4.0, 1.0):
        with pytest.raises(ReportError, match=r"labels\.csv: the label from .* lies outside the film, which ends at"):
            within(labels, end_s, "labels.csv")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9), st.sampled_from([None, *FAULTS])), max_size=8))
def test_what_is_written_is_read_back_unless_two_share_time(tmp_path_factory, rows):
    spans = sorted(
        (Span(float(start), float(start + long), reason) for start, long, reason in rows), key=lambda it: it.start_s
    )
    text = io.StringIO()
    csv.writer(text).writerows([("start_s", "end_s", "reason"), *((s.start_s, s.end_s, s.reason or "") for s in spans)])
    share = any(one.shared_s(other) > 0 for at, one in enumerate(spans) for other in spans[at + 1 :])
    folder = tmp_path_factory.mktemp("labels")
    if share:
        with pytest.raises(ReportError, match="both hold at"):
            read(folder, text.getvalue())
    else:
        assert read(folder, text.getvalue()) == spans
