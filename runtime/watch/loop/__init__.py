"""Threads, waiting lines, and the one scorer that all cameras share."""
