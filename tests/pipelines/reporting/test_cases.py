"""Single images: which are chosen, and where their evidence is drawn."""

from typing import Any

import numpy as np
import pandas as pd

from mayo_kedro.pipelines.reporting import drawing_nodes, nodes
from mayo_kedro.pipelines.reporting.cases.contact_sheet import CasePicture
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


def picture(inputs: dict[str, Any], cases: pd.DataFrame) -> dict[str, CasePicture]:
    names = ("evidence", "clot_images", "training_summary", "params:reporting")
    return nodes.picture_cases(cases, *(inputs[name] for name in names))


def test_no_cases_are_asked_for() -> None:
    inputs = make_inputs()
    settings = inputs["params:reporting"].model_copy(update={"cases": 0})
    cases = nodes.select_cases(inputs["predictions"], inputs["params:columns"], settings)
    assert cases.empty
    pictures = picture(inputs, cases)
    assert pictures == {}
    assert inputs["clot_images"].asked == []
    assert drawing_nodes.draw_cases(cases, pictures, inputs["data_source"]).get_suptitle()


def test_the_contact_sheet_names_every_case() -> None:
    inputs = make_inputs(skill=0.3)
    settings, columns = inputs["params:reporting"], inputs["params:columns"]
    cases = nodes.select_cases(inputs["predictions"], columns, settings)
    pictures = picture(inputs, cases)
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


def quarter(places: dict[tuple[float, float], float], attention: float = 0.25) -> pd.DataFrame:
    """Parts half as wide and high as the image: their evidence for "yes" by the place of their corner."""
    rows = [
        (left, top, left + 0.5, top + 0.5, attention, -evidence, evidence)
        for (left, top), evidence in places.items()
    ]
    names = ["left", "top", "right", "bottom", "attention", "evidence_no", "evidence_yes"]
    return pd.DataFrame(rows, columns=names)


def measure_red(picture: np.ndarray) -> np.ndarray:
    return picture[:, :, 0].astype(int) - picture[:, :, 2]


def test_the_evidence_is_that_for_the_class_that_was_given() -> None:
    parts = quarter({(0.5, 0.5): -9.0, (0, 0): 9.0, (0.5, 0): 0.0, (0, 0.5): 0.0})
    plain = np.full((60, 30, 3), 128, np.uint8)
    for label, sign in (("yes", 1), ("no", -1)):
        red = sign * measure_red(draw_evidence(plain, parts, label, "whole_image"))
        assert red[3, 3] > 50
        assert red[57, 27] < -50
        assert abs(red[:3, 27:]).max() < 40


def test_tiles_are_tinted_and_framed_where_they_lie() -> None:
    parts = pd.concat([quarter({(0.5, 0): 4.0}, 0.8), quarter({(-0.25, 0.75): -2.0}, 0.2)])
    added = parts.iloc[:1].assign(left=np.nan, top=np.nan, right=np.nan, bottom=np.nan, attention=0)
    plain = np.full((80, 80, 3), 200, np.uint8)
    drawn = draw_evidence(plain, pd.concat([parts, added]), "yes", "tiles")
    red = measure_red(drawn)
    assert (red[2:38, 42:78] > 50).all()
    # Half as strong; what lies beyond the image is cut off.
    assert (red[62:78, 2:18] < -20).all()
    assert (drawn[:, :38][:58] == 200).all()
    assert (drawn[42:, 42:] == 200).all()
    dark, faint = drawn[0, 60].mean(), drawn[60, 10].mean()
    assert dark < 20 < faint < drawn[70, 10].mean()


def test_a_bag_of_nothing_but_added_tiles_stays_grey() -> None:
    parts = quarter({(np.nan, np.nan): 0.0}, 1.0)
    assert (draw_evidence(np.full((8, 8, 3), 90, np.uint8), parts, "yes", "tiles") == 90).all()


def test_the_cases_of_tiles_differ_from_those_of_whole_images() -> None:
    inputs = make_inputs(skill=0.3)
    cases = nodes.select_cases(inputs["predictions"], inputs["params:columns"], inputs["params:reporting"])
    whole = picture(inputs, cases)
    inputs["training_summary"]["recipe"] = "tiles"
    for image, tiles in picture(inputs, cases).items():
        assert (tiles.plain == whole[image].plain).all()
        assert (tiles.evidence != whole[image].evidence).any()
