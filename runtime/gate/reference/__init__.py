"""The view a camera is meant to have: taken once, and every frame compared with it."""
