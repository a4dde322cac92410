"""Bundles over the air: signed, fetched into a slot of their own, tried, and taken back where they fail."""
