"""The calibration set: real frames, read the same way every time, with a part held out."""
