"""Runners: which nodes go away, how a job of theirs is sent and watched, and what runs in it.

Nothing is imported here: what starts a job must do with the standard library.
"""
