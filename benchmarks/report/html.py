"""A report as one HTML page that needs nothing else: inline style and SVG, no script, no request, fit to print.

The words are in ``templates/report.html.j2``; whatever a template shows is escaped.
"""

import functools
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.ground.extra_packages import extra_package

from . import accuracy, facts, plots
from .facts import Report

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(report: Report) -> str:
    """The whole page.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    page = environment().get_template("report.html.j2")
    return page.render(report=report, facts=facts, plots=plots, accuracy=accuracy)


@functools.cache
def environment() -> "Environment":
    """What fills in the templates: an unknown name is an error, no text becomes a tag.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    jinja2 = extra_package("jinja2", "bench", "an HTML page")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment
