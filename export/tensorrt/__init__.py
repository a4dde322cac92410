"""A graph goes in, a TensorRT plan comes out."""
