"""A stand-in for DagsHub on this machine, and the sample repository it holds.

`python -m mayo_kedro.sandbox` starts it for a user, `mayo_kedro.sandbox.process.start` for a programme.
"""
