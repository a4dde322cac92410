"""A file or an array as the frame that an engine takes."""
