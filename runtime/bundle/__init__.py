"""The bundle on disk: read, checked, replayed."""
