"""What everything stands on: names, limits, files read strictly and written whole, how an extra is installed."""
