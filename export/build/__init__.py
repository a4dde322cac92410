"""The order of the stages, and the bundle that comes out."""
