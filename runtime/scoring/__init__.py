"""A bundle as a pure function of the frame."""
