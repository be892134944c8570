"""A Kedro project with next to nothing in it, as the spaceflights starter begins."""

from pathlib import Path
from textwrap import dedent

from kedro import __version__

NODES = '''
"""Nodes of a bare project."""

import pandas as pd


def preprocess_companies(companies: pd.DataFrame) -> pd.DataFrame:
    """Make a number of a text."""
    return companies.assign(rating=companies["rating"].str.rstrip("%").astype(float) / 100)


def preprocess_shuttles(shuttles: pd.DataFrame) -> pd.DataFrame:
    """Make a truth of a letter."""
    return shuttles.assign(checked=shuttles["checked"] == "t")


def create_model_input_table(shuttles: pd.DataFrame, companies: pd.DataFrame) -> pd.DataFrame:
    """Join both."""
    return shuttles.merge(companies, on="company").dropna()
'''

PIPELINE = '''
"""The pipeline of a bare project."""

from kedro.pipeline import Pipeline, node

from .nodes import create_model_input_table, preprocess_companies, preprocess_shuttles


def create_pipeline() -> Pipeline:
    """Three nodes, as in the starter."""
    return Pipeline(
        [
            node(preprocess_companies, "companies", "preprocessed_companies"),
            node(preprocess_shuttles, "shuttles", "preprocessed_shuttles"),
            node(
                create_model_input_table,
                ["preprocessed_shuttles", "preprocessed_companies"],
                "model_input_table",
            ),
        ]
    )
'''

REGISTRY = '''
"""The pipelines of a bare project."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """All that are found."""
    pipelines = find_pipelines()
    pipelines["__default__"] = sum(pipelines.values(), start=Pipeline([]))
    return pipelines
'''

CATALOG = """
companies: {type: pandas.CSVDataset, filepath: data/01_raw/companies.csv}
shuttles: {type: pandas.CSVDataset, filepath: data/01_raw/shuttles.csv}
preprocessed_companies: {type: pandas.ParquetDataset, filepath: data/02_intermediate/companies.pq}
preprocessed_shuttles: {type: pandas.ParquetDataset, filepath: data/02_intermediate/shuttles.pq}
model_input_table: {type: pandas.ParquetDataset, filepath: data/03_primary/model_input_table.pq}
"""

SETTINGS = f"""
[tool.kedro]
package_name = "bare"
project_name = "bare"
kedro_init_version = "{__version__}"
source_dir = "src"
"""

TRACKING = "server: {mlflow_tracking_uri: 'sqlite:///mlflow.db'}\n"

FILES = {
    "pyproject.toml": SETTINGS,
    ".telemetry": "consent: false\n",
    "conf/base/catalog.yml": CATALOG,
    "conf/base/mlflow.yml": TRACKING,
    "conf/local/credentials.yml": "",
    "src/bare/__init__.py": '"""A bare project."""\n',
    "src/bare/settings.py": '"""The defaults."""\n',
    "src/bare/pipeline_registry.py": REGISTRY,
    "src/bare/pipelines/__init__.py": "",
    "src/bare/pipelines/data_processing/__init__.py": "from .pipeline import create_pipeline\n",
    "src/bare/pipelines/data_processing/nodes.py": NODES,
    "src/bare/pipelines/data_processing/pipeline.py": PIPELINE,
}


def make_bare_project(folder: Path, rows: int) -> Path:
    """Write the project and its data.

    Args:
        folder: is made.
        rows: of each table.

    Returns:
        The folder.
    """
    companies = ["company,rating", *(f"{number},{number % 100}%" for number in range(rows))]
    shuttles = ["shuttle,company,checked", *(f"{number},{number},t" for number in range(rows))]
    tables = {"companies": "\n".join(companies), "shuttles": "\n".join(shuttles)}
    data = {f"data/01_raw/{name}.csv": text for name, text in tables.items()}
    for name, text in {**FILES, **data}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    return folder
