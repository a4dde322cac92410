"""Scores of more pictures than one run lasts for: block by block into Parquet files, on one machine or on many."""
