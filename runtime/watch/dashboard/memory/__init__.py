"""What the page remembers of each camera."""
