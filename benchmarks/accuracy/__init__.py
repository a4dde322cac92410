"""How right a score is, by people's opinions and by copies known to be worse."""
