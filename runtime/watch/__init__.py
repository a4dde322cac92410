"""Cameras in, verdicts out, and every frame accounted for."""
