"""``python -m dgiqa_edge.runtime.sinks.shared_frames_reader`` goes on working; it lies in ``watch/sinks`` now."""

import sys

from ..watch.sinks.shared_frames_reader import *  # noqa: F403 - another name of the same module
from ..watch.sinks.shared_frames_reader import main

if __name__ == "__main__":
    sys.exit(main())
