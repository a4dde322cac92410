"""The gate's thresholds, from photos that people have sorted."""
