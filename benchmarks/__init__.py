"""Benchmarks: what a bundle costs and how exact it is. The room is empty in this version."""
