"""The pipeline as Kedro runs it, with the outputs' catalog entries of the project."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mayo_kedro.pipelines.data_processing import create_pipeline
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters

from .tables import COLUMNS, folder_of, label_table

BASE = Path(__file__).parents[3] / "conf" / "base"


def load_yaml(name: str) -> dict[str, object]:
    loader = OmegaConfigLoader(
        str(BASE.parent), base_env="base", default_run_env="base", config_patterns={name: [f"{name}*"]}
    )
    return dict(loader[name])


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataCatalog:
    monkeypatch.chdir(tmp_path)
    catalog = DataCatalog.from_config(load_yaml("catalog_data_processing"))
    inputs = {
        "label_table": label_table(),
        "params:columns": COLUMNS,
        "params:data_processing": DataProcessingParameters.model_validate({"split": {"folds": 2}}),
        "data_source": {"notice": "Synthetic slides"},
    }
    for name, data in inputs.items():
        catalog[name] = MemoryDataset(data)
    catalog["clot_images"] = MemoryDataset(folder_of(label_table()["slide"]), copy_mode="assign")
    return catalog


def test_outputs_are_files_from_which_ids_come_back_as_text(catalog: DataCatalog) -> None:
    SequentialRunner().run(create_pipeline(), catalog)
    splits = catalog.load("splits")
    assert splits.columns.tolist() == ["image", "patient", "label", "int_labels", "fold"]
    assert splits["patient"].tolist() == ["006388", "006388", "2e3749", "c", "d", "e"]
    pd.testing.assert_frame_equal(catalog.load("checked_labels"), splits[["image", "patient", "label"]])
    pd.testing.assert_frame_equal(catalog.load("labels"), splits.drop(columns="fold"))
    assert catalog.load("split_summary")["patients_on_both_sides"] == 0
    assert Path("data/08_reporting/contact_sheet.png").read_bytes().startswith(b"\x89PNG")


def test_nodes_are_named_after_their_functions_and_every_output_is_in_the_catalog() -> None:
    pipeline = create_pipeline()
    assert [node.name for node in pipeline.nodes] == [f"{node.func.__name__}_node" for node in pipeline.nodes]
    written = {name for name in load_yaml("catalog_data_processing") if not name.startswith("_")}
    assert pipeline.all_outputs() == written
    assert pipeline.inputs() == {
        "label_table",
        "clot_images",
        "data_source",
        "params:columns",
        "params:data_processing",
    }


def test_parameters_of_the_project_are_valid() -> None:
    parameters = load_yaml("parameters_data_processing")["data_processing"]
    assert DataProcessingParameters.model_validate(parameters).split.method == "by_patient"


def test_importing_the_pipeline_imports_no_tensorflow() -> None:
    code = "import sys; import mayo_kedro.pipelines.data_processing; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
