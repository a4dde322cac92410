"""``dgiqa-edge bench``: measurements of a bundle; each kind is a module beside this one."""

import argparse

from . import accuracy, compare, latency, native, peers, report, selfcheck, soak, table, throughput

SUMMARY = "measure a bundle: latency, power, accuracy; reports and their comparison"
EXTRA = "bench"
_MODULES = (latency, throughput, accuracy, soak, report, compare, table, peers, native, selfcheck)
KINDS = {module.__name__.rpartition(".")[2]: module for module in _MODULES}

_EPILOG = """\
example:
  dgiqa-edge bench latency --bundle build/engine --json latency.json --html latency.html
  dgiqa-edge bench compare old.json new.json --fail-on p99=+5%
  dgiqa-edge bench accuracy --bundle build/engine --photos photos/ --mos mos.csv --json accuracy.json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, module in KINDS.items():
        module.configure(
            kinds.add_parser(
                name,
                help=module.SUMMARY,
                description=module.SUMMARY,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                allow_abbrev=False,
            )
        )


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns the kind's exit code."""
    return KINDS[args.kind].run(args)
