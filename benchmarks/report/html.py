"""The pages of reports. What all pages share is in ``runtime/ground/pages``, the words are in ``templates``."""

from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.ground.pages import html

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


def environment() -> "Environment":
    """What fills in the templates.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    return html.environment(__package__, "bench", facts.is_missing)
