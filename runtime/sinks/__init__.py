"""Where ``shared_frames_reader`` stood when customers were told of it; the sinks lie in ``watch/sinks``."""
