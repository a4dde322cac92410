"""Where a graph goes wrong: piece by piece against FP32, and on one backend against another."""
