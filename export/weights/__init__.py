"""Checkpoints: read, checked, fetched, or seeded; the weights that ship lie here."""
