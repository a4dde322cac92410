"""What a rung is tried on: one backend, one file."""
