"""Mutants of a module: its syntax tree with one thing changed, such as a comparison, a constant or a condition.

Not changed: texts, documentation, annotations, what a decorator says, and what only a type checker runs.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}


Change = Callable[[ast.AST], ast.AST]


@dataclass(frozen=True)
class Mutant:
    """One change of a module's ``source``.

    ``line`` of the module; ``was`` and ``becomes``: the changed expression or statement; ``place``: which node.
    """

    line: int
    was: str
    becomes: str
    source: str = field(repr=False)
    place: int
    change: Change = field(repr=False, compare=False)

    def tree(self) -> ast.Module:
        """The whole module, changed."""
        tree = ast.parse(self.source)
        target = next(node for place, node in enumerate(_walk(tree)) if place == self.place)
        _replace(tree, target, self.change)
        return ast.fix_missing_locations(tree)


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its text."""
    for place, node in enumerate(_walk(ast.parse(source))):
        for change in _changes(node):
            becomes = _said(change(copy.deepcopy(node)))
            yield Mutant(node.lineno, _said(node), becomes, source, place, change)


def _said(node: ast.AST) -> str:
    """In one line: of a branch its condition."""
    return ast.unparse(node.test if isinstance(node, ast.If | ast.IfExp | ast.While) else node).partition("\n")[0]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that may be changed, parents first."""
    if isinstance(node, ast.expr | ast.stmt):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "msg") or isinstance(node, ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _says_what_holds(child):
                yield from _walk(child)


def _says_what_holds(node: ast.AST) -> bool:
    """For type checkers alone, or ``strict`` of ``zip``, which asserts."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                yield _with_comparison(place, COMPARISONS[type(operator)])
        case ast.BoolOp():
            yield _with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.BinOp() if type(node.op) in OPERATORS:
            yield _with(op=OPERATORS[type(node.op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield lambda old: old.operand  # type: ignore[attr-defined]
        case ast.Constant(value=bool()):
            yield _with(value=not node.value)
        case ast.Constant(value=int() | float()):
            yield _with(value=node.value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            yield _with(func=ast.Name(FUNCTIONS[name], ast.Load()))
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield lambda old: _with(test=ast.UnaryOp(ast.Not(), old.test))(old)  # type: ignore[attr-defined]
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _with(value=ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Break() | ast.Continue():
            yield lambda old: ast.copy_location(ast.Pass(), old)  # type: ignore[type-var]
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield lambda old: ast.copy_location(ast.Pass(), old)  # type: ignore[type-var]
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield lambda old: ast.copy_location(ast.Pass(), old)  # type: ignore[type-var]


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _with(**fields: object) -> Change:
    def change(old: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(old, name, value)
        return old

    return change


def _with_comparison(place: int, operator: type[ast.cmpop]) -> Change:
    def change(old: ast.AST) -> ast.AST:
        assert isinstance(old, ast.Compare)
        old.ops[place] = operator()
        return old

    return change


def _replace(tree: ast.AST, target: ast.AST, change: Change) -> None:
    """Change ``target``, which may mean to put another node in its place."""
    new = change(target)
    if new is target:
        return
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is target for item in value):
                setattr(parent, name, [new if item is target else item for item in value])
