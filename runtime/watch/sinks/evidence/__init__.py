"""The proof of each verdict that people are told: pictures around it and the numbers that decided it."""
