"""Resumable stages: their keys, their locks, and the lines that tell of them."""
