"""By what the machines of one job know one another."""

CLUSTER_KEY = "MAYO_CLUSTER_KEY"
"""Environment variable of a job on several machines: a certificate and its private key, as PEM."""


def make_cluster_key() -> str:
    """Make a certificate and its private key, for one job: it goes to its machines as a secret.

    Who connects to the job's Dask scheduler has to show it: what is sent there is run.
    """
    from distributed.security import Security  # noqa: PLC0415  a second, and few jobs have several machines

    made = Security.temporary()
    return f"{made.tls_ca_file}{made.tls_client_key}"
