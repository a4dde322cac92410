"""Engines on a server that speaks KServe's protocol, version 2: of Triton, by gRPC or HTTP."""
