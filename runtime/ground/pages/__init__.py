"""Pages of HTML that need nothing else, and the plots on them."""
