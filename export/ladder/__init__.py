"""Precisions tried on a device, and the best within the accuracy budget taken."""
