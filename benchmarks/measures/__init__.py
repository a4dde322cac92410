"""What scores a frame: a bundle, published baselines, other runtimes."""
