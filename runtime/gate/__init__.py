"""Readings over time become verdicts; no clock, no input or output."""
