"""Two reports against each other: what got slower, hungrier or less exact, and whether that can be believed."""
