"""Training of the models that ship. The only room that reads human scores to change weights."""
