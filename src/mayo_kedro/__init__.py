"""Train on images streamed from a DagsHub repository, on this machine or on Azure ML."""

__version__ = "0.1.0"
