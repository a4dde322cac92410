"""Whether a backend's version meets an engine's requirement, such as ``>=1.17`` or ``==10.3.0``.

Only the numeric release counts (``1.20.0rc1`` is 1.20.0): engine files are tied to releases, and the runtime
stays free of a packaging library.
"""

import operator
import re
from collections.abc import Callable

from ..errors import BundleError

_Release = tuple[int, ...]
_COMPARE: dict[str, Callable[[_Release, _Release], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_CONSTRAINT = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*(\d+(?:\.\d+)*)\s*")


def satisfies(version: str, requirement: str | None) -> bool:
    """Whether ``version`` meets every comma-separated constraint; ``None`` is met by all.

    Raises:
        BundleError: the requirement is not of that form.
    """
    if requirement is None:
        return True
    return all(_meets(version, constraint) for constraint in requirement.split(","))


def _meets(version: str, constraint: str) -> bool:
    match = _CONSTRAINT.fullmatch(constraint)
    if match is None:
        raise BundleError(f"the version requirement {constraint!r} is not of the form '>=1.17': build the bundle again")
    found, wanted = _release(version), _release(match[2])
    length = max(len(found), len(wanted))
    return _COMPARE[match[1]](_padded(found, length), _padded(wanted, length))


def _release(version: str) -> _Release:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _padded(release: _Release, length: int) -> _Release:
    return release + (0,) * (length - len(release))
