"""The C++ runtime beside Python's, in one run."""
