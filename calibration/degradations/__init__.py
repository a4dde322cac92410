"""Degraded copies of photos as cameras make them: optics, sensor, lens, weather, codec; seeded and graded."""
