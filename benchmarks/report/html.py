"""Pages of HTML that need nothing else: inline style and SVG, no script, no request; light, dark, phone and print.

The words are in ``templates``; whatever a template shows is escaped.
"""

import functools
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.ground.extra_packages import extra_package

from . import accuracy, facts, plots
from .facts import Report

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(report: Report) -> str:
    """The whole page of a report.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    return page("report", facts.title(report), report=report, plots=plots, accuracy=accuracy)


def page(template: str, title: str, **shown: Any) -> str:
    """A page of ``templates``, under its title.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    return environment().get_template(f"{template}.html.j2").render(title=title, facts=facts, **shown)


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
