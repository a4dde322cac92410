"""Device memory, streams and graphs; one file for each Python binding of CUDA."""
