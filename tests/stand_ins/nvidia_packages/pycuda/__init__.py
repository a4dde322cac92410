"""pycuda's interface as this project uses it, on the fake CUDA runtime's memory."""

VERSION_TEXT = "2026.1"
