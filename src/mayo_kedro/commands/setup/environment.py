"""Which environment of the configuration is meant."""

import click

environment_option = click.option(
    "--env",
    "-e",
    "environment",
    default="local",
    envvar="KEDRO_ENV",
    show_default=True,
    help="Configuration environment: a folder in conf/.",
)
