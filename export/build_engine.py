"""Build an engine bundle in one command: ``python export/build_engine.py --int8``. ``--help`` shows the options."""

import sys


def main() -> int:
    """Run the build with this process's arguments; returns the exit code."""
    try:
        from dgiqa_edge.runtime.commands.cli import main as run_command
    except ModuleNotFoundError:
        print("build_engine: error: dgiqa-edge is not installed here: run `make venv`, then", file=sys.stderr)
        print("  .venv/bin/python export/build_engine.py ...", file=sys.stderr)
        return 4
    return run_command(["build", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
