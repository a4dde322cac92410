"""Lists and tables as editors and spreadsheets save them."""

import codecs
import re

import pytest
from places import ROOT

from dgiqa_edge.calibration.text_tables import listed_names, table_rows
from dgiqa_edge.runtime.errors import ReportError

LIST = "# photos of camera 3\n  # indented\na.jpg\nb c.jpg  \n\n\t\n\"d e.jpg\"\n'f.jpg'\nü.jpg\n"
NAMES = ["a.jpg", "b c.jpg", "d e.jpg", "f.jpg", "ü.jpg"]
TABLE = 'file, mos ,split\na.jpg,0.5,test\n"b, c.jpg", 0.25 ,train\n\n , , \nü.jpg,1,test\n'
ROWS = [
    (2, {"file": "a.jpg", "mos": "0.5", "split": "test"}),
    (3, {"file": "b, c.jpg", "mos": "0.25", "split": "train"}),
    (6, {"file": "ü.jpg", "mos": "1", "split": "test"}),
]
SAVED = {
    "plain": lambda text: text.encode(),
    "byte-order mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 big endian": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "old Mac": lambda text: text.replace("\n", "\r").encode(),
    "Excel": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
    "no last line end": lambda text: text.rstrip().encode(),
}


@pytest.mark.parametrize("saved", SAVED)
def test_a_list_says_the_same_however_it_was_saved(tmp_path, saved):
    path = tmp_path / "list.txt"
    path.write_bytes(SAVED[saved](LIST))
    assert listed_names(path) == NAMES


@pytest.mark.parametrize("saved", SAVED)
def test_a_table_says_the_same_however_it_was_saved(tmp_path, saved):
    path = tmp_path / "mos.csv"
    path.write_bytes(SAVED[saved](TABLE))
    assert table_rows(path, ("file", "mos")) == ROWS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read"),
        (b"caf\xe9.jpg\n", "is not UTF-8 text"),
        ("a.jpg\n".encode("utf-16-le"), "zero bytes"),
        (b"", "lacks the column file, mos"),
        (b"name,score\na,1\n", "lacks the column file, mos"),
        (b"file,mos\na.jpg,1\nb.jpg\n", "line 3, has not as many cells"),
        (b"file,mos\na.jpg,1,2\n", "line 2, has not as many cells"),
    ],
)
def test_a_table_that_is_none_is_said(tmp_path, content, words):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReportError, match=words):
        table_rows(path, ("file", "mos"))


def test_no_other_place_reads_tables_or_lists():
    """A new reader would forget the byte-order mark again; the others read what the project or the system wrote."""
    readers = re.compile(r"csv\.(reader|DictReader)|genfromtxt|loadtxt|read_csv|read_text\([^)]*\)\.split")
    found = {
        str(path.relative_to(ROOT))
        for room in ("runtime", "calibration", "export", "benchmarks", "training")
        for path in (ROOT / room).rglob("*.py")
        if readers.search(path.read_text(encoding="utf-8"))
    }
    own = {"benchmarks/native/first_verdict.py", "runtime/machine/memory.py", "benchmarks/cameras/camera_outage.py"}
    # The runtime knows no calibration; they take the mark off, too.
    own |= {"runtime/scoring/bulk/pictures.py", "runtime/tuning/label_file.py"}
    assert found - own == {"calibration/text_tables.py", "training/trainers/run_folder.py"}
