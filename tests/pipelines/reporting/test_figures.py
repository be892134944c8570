"""What the figures show, read from their artists."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, roc_auc_score

from mayo_kedro.pipelines.reporting import drawing_nodes
from mayo_kedro.pipelines.reporting.cases.most_wrong import select_most_wrong, shrink
from mayo_kedro.pipelines.reporting.figures.style import embed_figure

from .examples import THREE, TWO, Pictures, make_inputs, make_predictions, name_columns


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def legend_of(figure: Figure, number: int = 0) -> list[str]:
    legend = figure.axes[number].get_legend() or figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_confusion_matrix_counts_patients(classes: tuple[str, ...]) -> None:
    predictions = make_predictions(classes, skill=0.5)
    figure = drawing_nodes.draw_confusion_matrix(predictions, name_columns(classes))
    names = [f"probability_{name}" for name in classes]
    by_patient = predictions.groupby("patient").agg({"int_labels": "first", **dict.fromkeys(names, "mean")})
    counts = confusion_matrix(by_patient["int_labels"], by_patient[names].to_numpy().argmax(axis=1))
    shares = counts / counts.sum(axis=1, keepdims=True)
    expected = [f"{count}\n{share:.0%}" for count, share in zip(counts.flat, shares.flat, strict=True)]
    assert texts_of(figure) == expected


def test_roc_band_lies_around_the_curve() -> None:
    inputs = make_inputs()
    predictions = inputs["predictions"]
    figure = drawing_nodes.draw_roc(predictions, inputs["params:columns"], inputs["params:reporting"])
    by_patient = predictions.groupby("patient").agg({"int_labels": "first", "probability_yes": "mean"})
    area = roc_auc_score(by_patient["int_labels"], by_patient["probability_yes"])
    assert legend_of(figure)[1].startswith(f"yes: AUC {area:.2f} [")
    curve = figure.axes[0].lines[1]
    band = (
        figure.axes[0]
        .collections[0]
        .get_paths()[0]
        .contains_points(
            np.column_stack(
                [np.linspace(0.05, 0.95, 19), np.interp(np.linspace(0.05, 0.95, 19), *curve.get_data())]
            ),
            radius=1e-2,
        )
    )
    assert band.mean() > 0.8


@pytest.mark.parametrize(("classes", "curves"), [(TWO, ["yes"]), (THREE, ["oak", "ash", "elm"])])
def test_of_more_than_two_classes_each_has_a_curve(classes: tuple[str, ...], curves: list[str]) -> None:
    inputs = make_inputs(classes)
    predictions, columns, settings = (
        inputs[name] for name in ("predictions", "params:columns", "params:reporting")
    )
    roc = drawing_nodes.draw_roc(predictions, columns, settings)
    recall = drawing_nodes.draw_precision_recall(predictions, columns)
    calibration = drawing_nodes.draw_calibration(predictions, columns, settings)
    distribution = drawing_nodes.draw_score_distribution(predictions, columns)
    assert [name.split(":")[0] for name in legend_of(roc)[1:]] == curves
    assert [name.split(":")[0] for name in legend_of(recall)] == curves
    assert legend_of(calibration)[1:] == curves
    assert [axes.get_xlabel().split()[2] for axes in distribution.axes] == curves


def test_precision_recall_shows_the_share_of_the_class() -> None:
    predictions = make_predictions(TWO)
    figure = drawing_nodes.draw_precision_recall(
        predictions[predictions["patient"] < "00041"], name_columns(TWO)
    )
    assert "flagging everybody: 0.49" in legend_of(figure)[0]
    assert figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(20 / 41)


def test_calibration_counts_every_patient() -> None:
    inputs = make_inputs()
    figure = drawing_nodes.draw_calibration(
        inputs["predictions"], inputs["params:columns"], inputs["params:reporting"]
    )
    heights = figure.axes[1].patches[0].get_xy()[:, 1]
    assert heights.max() <= 60
    bars = np.histogram(
        inputs["predictions"].groupby("patient")["probability_yes"].mean(),
        inputs["params:reporting"].calibration_bins,
        (0, 1),
    )[0]
    assert heights.max() == bars.max()


def test_score_distribution_adds_up_to_the_whole_class() -> None:
    figure = drawing_nodes.draw_score_distribution(make_predictions(TWO), name_columns(TWO))
    assert legend_of(figure) == ["no (30 patients)", "yes (30 patients)"]
    for outline in figure.axes[0].patches[1::2]:
        heights = outline.get_xy()[1:-1:2, 1]
        assert heights.sum() == pytest.approx(1)


def test_learning_curves_mark_where_fine_tuning_starts() -> None:
    figure = drawing_nodes.draw_learning_curves(make_inputs()["history"])
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "loss (lower is better)",
        "accuracy (higher is better)",
    ]
    assert legend_of(figure)[-3:] == ["training", "validation", "fine-tuning starts"]
    upright = [line for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert {line.get_xdata()[0] for line in upright} == {2.5}


def test_learning_curves_without_validation_or_fine_tuning() -> None:
    history = pd.DataFrame({"fold": 0, "stage": "frozen", "epoch": [0, 1], "loss": [2.0, 1.0]})
    figure = drawing_nodes.draw_learning_curves(history)
    assert legend_of(figure) == ["fold 0", "training"]
    assert len(figure.axes) == 1
    assert list(figure.axes[0].lines[0].get_ydata()) == [2.0, 1.0]


def test_each_network_of_a_fold_has_a_line_of_its_own() -> None:
    history = pd.concat([make_inputs()["history"].assign(seed=seed) for seed in (5, 6)])
    axes = drawing_nodes.draw_learning_curves(history).axes[0]
    training = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert len(training) == 10
    assert all(list(line.get_xdata()) == [1, 2, 3] for line in training)


def test_the_surest_mistakes_come_first() -> None:
    inputs = make_inputs(THREE, skill=0.2)
    predictions, columns = inputs["predictions"], inputs["params:columns"]
    table = select_most_wrong(predictions, columns, inputs["params:reporting"])
    assert len(table) == 5
    assert (table["label"] != table["predicted"]).all()
    assert table["probability_of_label"].is_monotonic_increasing
    names = [f"probability_{name}" for name in THREE]
    wrong = predictions[predictions[names].to_numpy().argmax(axis=1) != predictions["int_labels"]]
    of_truth = wrong[names].to_numpy()[np.arange(len(wrong)), wrong["int_labels"]]
    assert table["probability_of_label"].tolist() == pytest.approx(sorted(of_truth)[:5])


def test_the_most_wrong_images_are_named_under_the_notice() -> None:
    inputs = make_inputs(skill=0.2)
    settings = inputs["params:reporting"]
    table = select_most_wrong(inputs["predictions"], inputs["params:columns"], settings)
    figure = drawing_nodes.draw_most_wrong(table, inputs["clot_images"], inputs["data_source"], settings)
    assert figure.get_suptitle() == "Drawn trees & no real ones."
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert [title.split("\n")[0] for title in titles] == table["image"].tolist()
    assert f"is {table['label'][0]}, given {table['predicted'][0]}" in titles[0]
    # 90 x 60 pixels, and at most 32 are asked for.
    assert figure.axes[0].images[0].get_array().shape == (30, 20, 3)


def test_a_faultless_model_has_no_most_wrong_image() -> None:
    inputs = make_inputs(skill=50)
    settings = inputs["params:reporting"]
    table = select_most_wrong(inputs["predictions"], inputs["params:columns"], settings)
    assert table.empty
    figure = drawing_nodes.draw_most_wrong(table, Pictures(), inputs["data_source"], settings)
    assert figure.get_suptitle().startswith("No image was given a wrong class.")


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((90, 60), 32, (30, 20)), ((20, 10), 32, (20, 10)), ((1, 100), 10, (1, 10)), ((33, 33), 32, (16, 16))],
)
def test_shrinking_keeps_the_mean(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    small = shrink(pixels, longest)
    assert small.shape == (*expected, 3)
    assert small.dtype == np.uint8
    assert small.mean() == pytest.approx(pixels.mean(), abs=4)


def test_a_figure_has_one_address() -> None:
    inputs = make_inputs()
    addresses = {embed_figure(drawing_nodes.draw_learning_curves(inputs["history"])) for _ in range(2)}
    assert len(addresses) == 1
    assert addresses.pop().startswith("data:image/svg+xml;base64,")
