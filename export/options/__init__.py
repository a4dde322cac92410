"""What a user may ask of a build."""
