"""Where things lie: a test that counts its own way up skips silently once it is moved."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"  # development data, which is no part of the project
VECTORS = ROOT / "tests" / "vectors"
