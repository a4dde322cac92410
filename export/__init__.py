"""Export: networks, checkpoints, the frame graph, ONNX, precision, and ``build_engine``."""
