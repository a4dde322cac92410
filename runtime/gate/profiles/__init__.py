"""Day, night, infra-red: which thresholds hold for a camera, and quiet while its picture changes over."""
