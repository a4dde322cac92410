"""From observed ranges to a graph with Q/DQ: observers, placement, rewriting, and how much each block costs."""
