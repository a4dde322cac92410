"""Streams and pipelines as text and bytes, whoever reads or writes them."""
