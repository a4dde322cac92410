"""What counts as one change of a module, and that the table of what is mutated is of the code there is."""

import ast

import mutate
import pytest
from mutants import mutants
from places import ROOT

AREAS = mutate.table()


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("a < b", [("a < b", "a <= b")]),
        ("a < b is c", [("a < b is c", "a <= b is c"), ("a < b is c", "a < b is not c")]),
        ("a and not b", [("a and (not b)", "a or not b"), ("not b", "b")]),
        ("x = a + 1", [("a + 1", "a - 1"), ("1", "2")]),
        ("x = min(a, True)", [("min(a, True)", "max(a, True)"), ("True", "False")]),
        ("if a:\n    b()", [("a", "not a"), ("b()", "pass")]),
        ("def f():\n    return a", [("return a", "return None")]),
        ("self.a = b", [("self.a = b", "pass")]),
        ("raise E(f'{a + 1}')", [("raise E(f'{a + 1}')", "pass")]),
        ("def f(a: int = 1) -> 2: 'doc'", [("1", "2")]),
        ("zip(a, b, strict=True)", [("zip(a, b, strict=True)", "pass")]),
        ("if TYPE_CHECKING:\n    import a", []),
        ("a = b", []),
    ],
)
def test_the_mutants_of_a_line(source: str, changes: list[tuple[str, str]]) -> None:
    found = list(mutants(source))
    assert [(mutant.was, mutant.becomes) for mutant in found] == changes
    assert all(ast.unparse(mutant.tree()) != ast.unparse(ast.parse(source)) for mutant in found)
    for mutant in found:
        compile(mutant.tree(), "module", "exec")


def test_a_sample_is_the_same_for_the_same_seed_and_in_order() -> None:
    found = mutate.trials(["runtime/watch/loop/rolling.py"])
    drawn = mutate.sample(found, 5, 0)
    assert len(drawn) == 5
    assert drawn == mutate.sample(found, 5, 0) != mutate.sample(found, 5, 1)
    assert [found.index(trial) for trial in drawn] == sorted(found.index(trial) for trial in drawn)
    assert mutate.sample(found, len(found), 0) == found


@pytest.mark.parametrize("area", AREAS)
def test_what_is_said_to_change_nothing_is_a_mutant_that_there_is(area: str) -> None:
    assert all((ROOT / test).is_file() for tests in AREAS[area]["files"].values() for test in tests)
    there = {trial.key for trial in mutate.trials(AREAS[area]["files"])}
    said = AREAS[area].get("equivalent", [])
    assert [row[:4] for row in said if tuple(row[:4]) not in there] == []
    assert all(len(row) == 5 and len(row[4]) > 8 for row in said)
