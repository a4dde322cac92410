"""``python -m dgiqa_edge.runtime.ros2 --ros-args -p bundle:=DIR -r image:=/camera/image_raw``."""

import sys

from .node import main

if __name__ == "__main__":
    sys.exit(main())
