"""Programs of their own that put cameras under load or in trouble, and what the gate says of them."""
