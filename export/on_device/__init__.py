"""The device half of a build: a bundle without an engine becomes one with an engine, where PyTorch and onnx are not."""
