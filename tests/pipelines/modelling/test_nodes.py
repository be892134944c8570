import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mayo_kedro.datasets import CheckpointsDataset
from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.nodes import train_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pipeline import create_pipeline
from mayo_kedro.pipelines.modelling.training import precision
from mayo_kedro.sandbox.weights import export_weights

from .conftest import EventList

TINY = {
    "image_size": 32,
    "batch_size": 4,
    "frozen_epochs": 3,
    "fine_tune_epochs": 1,
    "unfreeze": 1,
    "frozen_learning_rate": 0.03,
    "validation_share": 0.25,
}


class Lite0Weights:
    name = "pretrained/efficientnet_lite0.h5"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "efficientnet_lite0.h5"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, Lite0Weights]:
    folder = tmp_path_factory.mktemp("weights")
    export_weights(folder)
    return {"efficientnet_lite0.h5": Lite0Weights(folder)}


@pytest.fixture(scope="module")
def run(splits, columns, weights, module_images, tmp_path_factory):
    """Run the pipeline; give what came out, and what it told the monitor."""

    def run_pipeline(with_node=(0,), images=module_images, **settings):
        monitor = EventList()
        folder = tmp_path_factory.mktemp("checkpoints")
        given = {
            "splits": splits,
            "clot_images": images,
            "backbone_weights": weights,
            "params:columns": columns,
            "params:modelling": ModellingParameters(**TINY | {"folds": with_node} | settings),
            "training_monitor": monitor,
        }
        catalog = DataCatalog({name: MemoryDataset(data, copy_mode="assign") for name, data in given.items()})
        catalog["checkpoints"] = CheckpointsDataset(folder=str(folder))
        for fold in with_node:
            catalog[f"fold_{fold}_model"] = MemoryDataset(copy_mode="assign")
        outputs = SequentialRunner().run(create_pipeline(with_node), catalog)
        assert list(folder.iterdir()) == []
        return {name: dataset.load() for name, dataset in outputs.items()}, monitor

    return run_pipeline


@pytest.fixture(scope="module")
def trained(run):
    return run()


def test_predicts_only_the_held_out_fold_and_learns(trained, splits):
    predictions = trained[0]["predictions"]
    held_out = splits[splits["fold"] == 0]
    names = ["image", "patient", "label", "int_labels", "fold"]
    pd.testing.assert_frame_equal(predictions[names], held_out[names].reset_index(drop=True))
    probabilities = predictions[["probability_plain", "probability_red"]]
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    assert probabilities.dtypes.eq("float64").all()
    red = predictions["label"] == "red"
    assert predictions["probability_red"][red].min() > predictions["probability_red"][~red].max()


def test_history_has_a_row_for_each_epoch_of_both_stages(trained):
    history, monitor = trained[0]["history"], trained[1]
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    assert history["stage"].tolist() == ["frozen"] * 3 + ["fine_tune"]
    assert history["fold"].tolist() == [0] * 4
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    assert [event[:4] for event in monitor.epochs] == [
        (0, "frozen", 0, 4),
        (0, "frozen", 1, 4),
        (0, "frozen", 2, 4),
        (0, "fine_tune", 3, 4),
    ]
    assert [event[4]["val_loss"] for event in monitor.epochs] == history["val_loss"].tolist()
    assert history["data_wait_share"].between(0, 1).all()
    assert (history["images_per_second"] > 0).all()


def test_monitor_hears_of_every_step(trained):
    steps = [event[:5] for event in trained[1].batches if event[2] == 3]
    assert steps == [(0, "fine_tune", 3, step, 3) for step in range(3)]
    assert all(set(event[5]) == {"loss", "accuracy"} for event in trained[1].batches)


def test_model_is_named_after_its_fold_and_is_what_predicted(trained, splits, module_images, tmp_path):
    assert trained[0]["fold_models"] == ["fold_0"]
    trained[0]["fold_0_model"].save(tmp_path / "fold_0.keras")
    loaded = keras.saving.load_model(tmp_path / "fold_0.keras")
    pixels = module_images.decoded(splits[splits["fold"] == 0]["image"])
    assert np.allclose(
        loaded.predict(pixels, verbose=0)[:, 1], trained[0]["predictions"]["probability_red"], atol=1e-5
    )


def test_features_and_evidence_are_kept_of_what_was_held_out(trained, splits):
    """Of an image of 32 pixels the last map has one cell, which holds the whole score."""
    made, held_out = trained[0], splits[splits["fold"] == 0]
    for name in ("embeddings", "evidence"):
        assert made[name]["image"].tolist() == held_out["image"].tolist()
    kernel, bias = made["fold_0_model"].get_layer("probabilities").get_weights()
    features = made["embeddings"].filter(like="feature_").to_numpy()
    odds = np.log(made["predictions"]["probability_red"] / made["predictions"]["probability_plain"])
    np.testing.assert_allclose(features @ (kernel[:, 1] - kernel[:, 0]) + bias[1] - bias[0], odds, atol=1e-3)
    np.testing.assert_allclose(made["evidence"]["evidence_red"] + bias[1] - bias[0], odds, atol=1e-3)
    assert set(made["embeddings"]["fold"]) == {0}
    assert made["evidence"][["left", "top", "right", "bottom"]].drop_duplicates().to_numpy().tolist() == [
        [0, 0, 1, 1]
    ]


def test_summary_tells_what_was_trained(trained):
    summary = trained[0]["training_summary"]
    assert summary["backbone"] == "EfficientNetLite0"
    assert summary["folds"] == [0]
    assert summary["patients_trained"] == {"fold_0": 8}
    assert summary["seconds"] > 0
    assert summary["images_per_second"] > 0
    assert summary["peak_memory_mb"] > 100
    assert summary["mlflow_run"] == "f00d"


def test_one_seed_gives_the_same_weights_streamed_or_kept(trained, run):
    again, _ = run(memory_cache_mb=0)
    pairs = zip(trained[0]["fold_0_model"].get_weights(), again["fold_0_model"].get_weights(), strict=True)
    assert all((one == other).all() for one, other in pairs)
    measured = ["seconds", "images_per_second", "data_wait_share"]
    pd.testing.assert_frame_equal(
        trained[0]["history"].drop(columns=measured), again["history"].drop(columns=measured)
    )
    pd.testing.assert_frame_equal(trained[0]["predictions"], again["predictions"])


@pytest.mark.slow
def test_all_folds_predict_every_image_once_with_several_networks(run, splits, module_images):
    settings = {"frozen_epochs": 1, "fine_tune_epochs": 0, "folds": "all", "ensemble": 2}
    made, monitor = run((0, 1), calibration="platt", **settings)
    assert made["fold_models"] == ["fold_0", "fold_1"]
    assert made["embeddings"]["fold"].tolist() == made["predictions"]["fold"].tolist()
    assert made["evidence"]["image"].tolist() == made["predictions"]["image"].tolist()
    assert sorted(made["predictions"]["image"]) == sorted(splits["image"])
    assert made["history"]["fold"].tolist() == [0, 0, 1, 1]
    assert made["history"]["seed"].tolist() == [1, 2, 1, 2]
    assert [event[:4] for event in monitor.epochs] == [
        (fold, "frozen", epoch, 2) for fold in (0, 1) for epoch in (0, 1)
    ]
    summary = made["training_summary"]
    assert (summary["folds"], summary["networks_per_fold"]) == ([0, 1], 2)
    network = made["fold_1_model"]
    pixels = module_images.decoded(splits[splits["fold"] == 1]["image"])
    parts = [network.get_layer(f"network_{number}")(pixels) for number in (0, 1)]
    assert np.allclose(network(pixels), np.mean(parts, axis=0), atol=1e-6)
    red = made["predictions"].query("fold == 1")["probability_red"]
    assert np.allclose(network(pixels)[:, 1], red, atol=1e-5)


def test_the_recipe_of_tiles_trains_saves_and_predicts(run, splits, module_images, tmp_path):
    """The images are as large as one tile, so that five of the six are bare."""
    settings = {"recipe": "tiles", "tiles": 6, "image_size": 32, "frozen_epochs": 2}
    made, _ = run(images=module_images, **settings)
    made["fold_0_model"].save(tmp_path / "fold_0.keras")
    loaded = keras.saving.load_model(tmp_path / "fold_0.keras")
    assert loaded.input_shape == (None, 6, 32, 32, 3)
    assert len(made["predictions"]) == (splits["fold"] == 0).sum()
    assert np.isfinite(made["history"]["val_loss"]).all()
    assert made["training_summary"]["recipe"] == "tiles"
    assert made["evidence"]["attention"].tolist() == [1] * len(made["predictions"])


def test_damaged_image_stops_a_streamed_training_by_name(run, images):
    images.files["010_0"] = images.files["010_0"][:200]
    with pytest.raises(UserError, match="image 010_0 cannot be decoded"):
        run(images=images, memory_cache_mb=0)


def test_a_few_damaged_images_may_be_left_out(run, splits, images):
    for image in ("000_0", "001_0"):
        images.files[image] = images.files[image][:60]
    settings = {"frozen_epochs": 1, "fine_tune_epochs": 1, "unreadable_share": 0.2, "memory_cache_mb": 0}
    predictions = run(images=images, **settings)[0]["predictions"]
    held_out = splits[(splits["fold"] == 0) & ~splits["image"].isin(["000_0", "001_0"])]
    assert predictions["image"].tolist() == held_out["image"].tolist()


def test_folds_that_do_not_fit_the_splits_are_refused_before_anything_is_trained(
    splits, columns, weights, module_images, checkpoints
):
    monitor = EventList()
    with pytest.raises(UserError, match="asks for fold 5"):
        train_fold(
            splits,
            module_images,
            weights,
            columns,
            ModellingParameters(**TINY, folds=5),
            monitor,
            checkpoints,
            fold=5,
            folds=(5,),
        )
    assert monitor.batches == []


@pytest.mark.parametrize(
    ("mixed", "policy"), [(True, "mixed_float16"), (False, "float32"), ("auto", "float32")]
)
def test_precision_holds_only_while_a_network_is_built(mixed, policy):
    with precision(mixed):
        assert keras.config.dtype_policy().name == policy
    assert keras.config.dtype_policy().name == "float32"


def test_kedro_can_read_the_pipeline_without_tensorflow():
    code = (
        "import sys; from mayo_kedro.pipelines.modelling.pipeline import create_pipeline;"
        "from kedro.validation.type_extractor import TypeExtractor;"
        "print(TypeExtractor({'m': create_pipeline()}).extract_types_from_pipelines());"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "ModellingParameters" in result.stdout
    assert "Columns" in result.stdout


def test_folds_are_nodes_that_do_not_wait_for_one_another():
    pipeline = create_pipeline((0, 3))
    sent = pipeline.only_nodes_with_tags("gpu")
    assert {node.name for node in sent.nodes} == {"train_fold_0_node", "train_fold_3_node"}
    assert [len(group) for group in sent.grouped_nodes] == [2]
    assert [node.name for node in pipeline.nodes][-1] == "join_folds_node"
    tables = {"history", "predictions", "embeddings", "evidence"}
    assert pipeline.outputs() >= {"fold_models", "training_summary", *tables}
