"""What the trainers read: photos with people's opinions, degraded copies, stored features."""
