"""What this machine is: facts read from the system, one file per source, and what follows for running engines."""
