"""A settings file as checked values, with no secret shown."""
