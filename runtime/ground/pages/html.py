"""Pages of HTML that need nothing else: inline style and SVG, no script, no request; light, dark, phone and print.

The frame of a page, its style and the macros of tables and plots are in ``templates``; what a page says is in the
templates of the package that shows it. Whatever a template shows is escaped.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..extra_packages import extra_package

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def environment(package: str, extra: str, is_missing: Callable[[str], bool]) -> "Environment":
    """What fills in the ``templates`` of a package: an unknown name is an error, no text becomes a tag.

    Args:
        extra: that brings Jinja2 to this package's users.
        is_missing: whether a cell of a table stands for what there is not.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    jinja2 = extra_package("jinja2", extra, "an HTML page")
    environment: Environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader(__package__)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["is_missing"] = is_missing
    return environment
