"""Writes vectors anew: ``python tests/vectors/make.py cues reference``; each folder's ``README.md`` has the format."""

import argparse
import importlib
import sys
from pathlib import Path

VECTORS = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(VECTORS.parent))
    parser = argparse.ArgumentParser(description=__doc__)
    known = sorted(script.parent.name for script in VECTORS.glob("*/make_vectors.py"))
    parser.add_argument("folders", nargs="+", choices=known, help="of tests/vectors")
    for folder in parser.parse_args().folders:
        importlib.import_module(f"vectors.{folder}.make_vectors").write(VECTORS / folder)
