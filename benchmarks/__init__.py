"""Benchmarks: what a bundle costs and how exact it is, measured on the machine at hand."""
