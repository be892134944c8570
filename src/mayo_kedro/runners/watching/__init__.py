"""A job as it goes: its log, its progress, Ctrl-C, its end."""
