"""Benchmark reports: one JSON document, and the Markdown and HTML pages that are drawn from it alone."""
