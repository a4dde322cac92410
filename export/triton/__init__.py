"""A bundle for NVIDIA Triton Inference Server: the model repository that is exported, and what runs in it."""
