"""TensorRT plans on a GPU; what each version can do is data."""
