"""One action of ``dgiqa-edge bundle``."""

import argparse
from collections.abc import Callable
from typing import NamedTuple


class Action(NamedTuple):
    """Its word, what it does, its options, and how it is carried out, which gives the exit code."""

    name: str
    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
