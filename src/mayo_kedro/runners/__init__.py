"""Runners: what a job elsewhere is, how nodes become one, and what runs in it."""
