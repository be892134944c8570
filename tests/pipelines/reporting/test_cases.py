"""Single images: which are chosen, and where a real network's evidence is drawn."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mayo_kedro.pipelines.reporting import drawing_nodes, nodes
from mayo_kedro.pipelines.reporting.cases.evidence import draw_evidence, lay_over
from mayo_kedro.pipelines.reporting.cases.selection import GROUPS, describe_answers, select_cases

from .examples import THREE, TWO, make_inputs, make_predictions, name_columns


def test_each_group_holds_what_it_says() -> None:
    predictions, columns = make_predictions(THREE, skill=0.7), name_columns(THREE)
    answers = describe_answers(predictions, columns)
    cases = select_cases(predictions, columns, each=5)
    assert cases["group"].unique().tolist() == list(GROUPS)
    assert cases["image"].is_unique
    for outcome in ("right", "wrong"):
        of_outcome = answers[(answers["label"] == answers["predicted"]) == (outcome == "right")]
        confidence = of_outcome["probability_of_predicted"].sort_values()
        sure = cases.loc[cases["group"] == f"sure and {outcome}", "probability_of_predicted"]
        unsure = cases.loc[cases["group"] == f"unsure and {outcome}", "probability_of_predicted"]
        assert sure.tolist() == confidence.tail(5).tolist()[::-1]
        assert unsure.tolist() == confidence.head(5).tolist()


def test_few_mistakes_are_sure_before_they_are_unsure() -> None:
    predictions, columns = make_predictions(TWO, skill=3), name_columns(TWO)
    wrong = describe_answers(predictions, columns).query("label != predicted")
    cases = select_cases(predictions, columns, each=len(wrong))
    counts = cases["group"].value_counts()
    assert counts["sure and wrong"] == len(wrong) > 0
    assert "unsure and wrong" not in counts


def test_no_cases_are_asked_for() -> None:
    inputs = make_inputs()
    settings = inputs["params:reporting"].model_copy(update={"cases": 0})
    cases = nodes.select_cases(inputs["predictions"], inputs["params:columns"], settings)
    assert cases.empty

    def refuse() -> None:
        raise AssertionError("A network was loaded for nothing.")

    models = {f"fold_{fold}": refuse for fold in range(5)}
    pictures = nodes.picture_cases(cases, models, inputs["clot_images"], inputs["params:columns"], settings)
    assert pictures == {}
    assert drawing_nodes.draw_cases(cases, pictures, inputs["data_source"]).get_suptitle()


def test_the_contact_sheet_names_every_case() -> None:
    inputs = make_inputs(skill=0.3)
    settings, columns = inputs["params:reporting"], inputs["params:columns"]
    cases = nodes.select_cases(inputs["predictions"], columns, settings)
    pictures = nodes.picture_cases(cases, {}, inputs["clot_images"], columns, settings)
    figure = drawing_nodes.draw_cases(cases, pictures, inputs["data_source"])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split("\n")[0] for title in titles] == [
        f"{case.group}: {case.image}" for case in cases.itertuples()
    ]
    assert figure.get_suptitle().startswith("Drawn trees & no real ones.")


def test_evidence_tints_its_place_and_leaves_the_rest_grey() -> None:
    evidence = np.zeros((4, 4), np.float32)
    evidence[0, 0], evidence[3, 3] = 2, -2
    drawn = lay_over(np.full((40, 80, 3), [200, 100, 150], np.uint8), evidence).astype(int)
    assert drawn.shape == (40, 80, 3)
    red_over_blue = drawn[:, :, 0] - drawn[:, :, 2]
    assert red_over_blue[2, 5] > 50
    assert red_over_blue[37, 75] < -50
    assert abs(red_over_blue[20, 40]) < 5


def test_no_evidence_tints_nothing() -> None:
    grey = np.full((8, 8, 3), 90, np.uint8)
    assert (lay_over(grey, np.zeros((2, 2), np.float32)) == 90).all()


class Folder:
    """Images of this disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        return (self.path / f"{image}.png" for image in images)


@pytest.fixture(scope="module")
def make_network() -> Callable[[str], object]:
    """Real networks, for which red speaks for the first class and blue for the second."""
    import keras

    def make(pooling: str) -> keras.Model:
        picture = keras.Input((32, 32, 3), dtype="uint8")
        colours = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(picture))
        pooled = keras.layers.GlobalAveragePooling2D(name=pooling)(colours)
        dense = keras.layers.Dense(2, "softmax", name="probabilities")
        network = keras.Model(picture, dense(pooled))
        dense.set_weights([np.array([[9, -9], [0, 0], [-9, 9]], np.float32), np.zeros(2, np.float32)])
        return network

    return make


def test_evidence_is_found_by_the_network_of_the_fold(
    tmp_path: Path, make_network: Callable[[str], object]
) -> None:
    pixels = np.full((60, 30, 3), 128, np.uint8)
    pixels[:15, :15], pixels[45:, 15:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.png")
    cases = pd.DataFrame({"image": ["a", "b"], "predicted": ["no", "yes"], "fold": [3, 4]})
    asked = []

    def load(fold: int) -> object:
        asked.append(fold)
        return make_network("pool")

    models = {f"fold_{fold}": lambda fold=fold: load(fold) for fold in range(5)}
    thumbnails = {"a": pixels, "b": pixels}
    drawn = draw_evidence(cases, thumbnails, models, Folder(tmp_path), name_columns(TWO))
    assert asked == [3, 4]
    red_over_blue = {name: picture.astype(int)[:, :, 0] - picture[:, :, 2] for name, picture in drawn.items()}
    # Red speaks for the class that was given: for "no" it is the red corner, for "yes" the blue one.
    assert red_over_blue["a"][3, 3] > 50 > -50 > red_over_blue["a"][57, 27]
    assert red_over_blue["b"][3, 3] < -50 < 50 < red_over_blue["b"][57, 27]


def test_a_network_that_does_not_tell_leaves_its_pictures_out(
    tmp_path: Path, make_network: Callable[[str], object]
) -> None:
    cases = pd.DataFrame({"image": ["a", "b"], "predicted": ["no", "yes"], "fold": [0, 1]})
    models = {"fold_0": lambda: make_network("attention")}
    assert draw_evidence(cases, {}, models, Folder(tmp_path), name_columns(TWO)) == {}
