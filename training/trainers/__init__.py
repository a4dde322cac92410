"""How a head is trained: losses, schedules, resumable runs."""
