"""Scores of the user's own: the last layers of a network that ships, fitted to what the user says of some photos."""
