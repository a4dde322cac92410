"""The gate as a ROS 2 node: images in; diagnostics out, and the images that pass.

``python -m dgiqa_edge.runtime.ros2`` starts it.
"""
