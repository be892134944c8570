"""From what networks say to images, patients and the submission; and refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.prediction.tables import (
    ACCEPTED,
    UNLIKE,
    UNLIKE_COLOURS,
    UNREADABLE,
    UNREADABLE_PATIENT,
    judge_images,
    judge_patients,
    make_submission,
    name_patients,
)
from mayo_kedro.predictor import describe_answer, name_numbers

CLASSES = ("CE", "LAA")


def told(*rows):
    """Rows of image, network, distance, probability of LAA; by their colours all are like the others."""
    table = pd.DataFrame(rows, columns=["image", "network", "distance", "probability_LAA"])
    return table.assign(colour_distance=0.5, probability_CE=1 - table["probability_LAA"])


def named(*images):
    return name_patients(pd.DataFrame({"image": list(images)}))


def judge(networks, table, refused_share=0.5):
    images = judge_images(networks, table, CLASSES)
    return images, judge_patients(networks, images, CLASSES, refused_share).set_index("patient")


def test_patients_are_named_by_the_image_where_no_table_tells():
    table = pd.DataFrame({"image": ["006388_0", "2e3749_12", "a_b_1", "single"]})
    assert name_patients(table)["patient"].tolist() == ["006388", "2e3749", "a_b", "single"]
    partly = table.assign(patient=["x", "", None, "NA"])
    assert name_patients(partly)["patient"].tolist() == ["x", "2e3749", "a_b", "NA"]


def test_the_mean_is_told_and_the_spread_is_that_of_the_networks():
    networks = told(
        ("a_0", "one", 0.5, 0.2), ("a_0", "two", 0.7, 0.6), ("a_1", "one", 0.5, 0.4), ("a_1", "two", 0.7, 0.6)
    )
    images, patients = judge(networks, named("a_0", "a_1"))
    assert images["probability_LAA"].tolist() == pytest.approx([0.4, 0.5])
    assert images[["lowest_CE", "highest_CE"]].to_numpy()[0].tolist() == pytest.approx([0.4, 0.8])
    assert images["distance"].tolist() == pytest.approx([0.6, 0.6])
    patient = patients.loc["a"]
    assert patient["probability_LAA"] == pytest.approx(0.45)
    # One network says 0.3 of the patient, the other 0.6: its single images say more and less.
    assert [patient["lowest_LAA"], patient["highest_LAA"]] == pytest.approx([0.3, 0.6])
    assert (patient["images"], patient["networks"], patient["refused"]) == (2, 2, ACCEPTED)


def test_an_image_is_refused_by_the_mean_distance_and_counts_for_nothing():
    networks = told(
        ("a_0", "one", 0.4, 0.2),
        ("a_0", "two", 1.5, 0.2),
        ("a_1", "one", 0.6, 0.9),
        ("a_1", "two", 1.5, 0.9),
        ("a_2", "one", 0.1, 0.4),
        ("a_2", "two", 0.1, 0.4),
    )
    images, patients = judge(networks, named("a_0", "a_1", "a_2"))
    assert images["refused"].tolist() == [ACCEPTED, UNLIKE, ACCEPTED]
    assert images.loc[1, name_numbers(CLASSES)].isna().all()
    assert images.loc[1, "distance"] == pytest.approx(1.05)
    assert patients.loc["a", "probability_LAA"] == pytest.approx(0.3)
    assert patients.loc["a", "unlike"] == 1


def test_an_image_of_other_colours_is_refused_whatever_the_networks_see():
    networks = told(("a_0", "one", 0.4, 0.2), ("b_0", "one", 0.4, 0.2), ("b_1", "one", 0.4, 0.6))
    networks.loc[[0, 1], "colour_distance"] = 1.0
    images, patients = judge(networks, named("a_0", "b_0", "b_1"), refused_share=0.6)
    assert images["refused"].tolist() == [UNLIKE_COLOURS, UNLIKE_COLOURS, ACCEPTED]
    assert patients["refused"].tolist() == [f"1 of 1 readable images are {UNLIKE}", ACCEPTED]
    assert patients.loc["b", "probability_LAA"] == pytest.approx(0.6)


def test_patients_are_refused_in_words():
    networks = told(("a_0", "one", 2.0, 0.5), ("a_1", "one", 0.5, 0.5), ("c_0", "one", 0.5, 0.7))
    images, patients = judge(networks, named("a_0", "a_1", "b_0", "c_0", "c_1"))
    assert images["refused"].tolist() == [UNLIKE, ACCEPTED, UNREADABLE, ACCEPTED, UNREADABLE]
    assert patients["refused"].to_dict() == {
        "a": f"1 of 2 readable images are {UNLIKE}",
        "b": UNREADABLE_PATIENT,
        "c": ACCEPTED,
    }
    assert patients.loc[["a", "b"], name_numbers(CLASSES)].isna().all(axis=None)
    assert patients.loc["c", "probability_LAA"] == pytest.approx(0.7)
    assert patients["unreadable"].tolist() == [0, 1, 1]
    _, lenient = judge(networks, named("a_0", "a_1", "b_0", "c_0", "c_1"), refused_share=0.6)
    assert lenient.loc["a", "refused"] == ACCEPTED


def test_the_submission_is_the_competitions():
    networks = told(("006388_0", "one", 0.5, 0.25), ("2e3749_0", "one", 3.0, 0.9))
    _, patients = judge(networks, named("006388_0", "2e3749_0", "aa_0"))
    submission = make_submission(patients.reset_index(), "patient_id", CLASSES)
    assert submission.to_csv(index=False, lineterminator="\n") == (
        "patient_id,CE,LAA\n006388,0.75,0.25\n2e3749,0.5,0.5\naa,0.5,0.5\n"
    )


def test_nothing_readable_still_gives_every_table():
    empty = told()
    images, patients = judge(empty, named("a_0", "b_0"))
    assert images["refused"].tolist() == [UNREADABLE, UNREADABLE]
    assert patients["refused"].tolist() == [UNREADABLE_PATIENT, UNREADABLE_PATIENT]
    assert list(patients.reset_index()) == list(describe_answer(CLASSES))


@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 1))
@settings(max_examples=12, deadline=None)
def test_every_patient_has_one_row_and_the_numbers_are_in_order(seed, share):
    generator = np.random.default_rng(seed)
    images = [f"p{patient}_{number}" for patient in range(6) for number in range(generator.integers(1, 4))]
    readable = [image for image in images if generator.random() < 0.8]
    rows = [
        (image, network, 2 * generator.random(), generator.random())
        for image in readable
        for network in ("one", "two", "three")
    ]
    table = named(*images)
    _, patients = judge(told(*rows), table, share)
    assert patients.index.tolist() == list(dict.fromkeys(table["patient"]))
    answered = patients[patients["refused"] == ACCEPTED]
    for name in CLASSES:
        assert (answered[f"lowest_{name}"] <= answered[f"probability_{name}"] + 1e-12).all()
        assert (answered[f"probability_{name}"] <= answered[f"highest_{name}"] + 1e-12).all()
    assert np.allclose(answered["probability_CE"] + answered["probability_LAA"], 1)
    submission = make_submission(patients.reset_index(), "patient_id", CLASSES)
    assert np.allclose(submission[list(CLASSES)].sum(axis=1), 1)
    refused = patients["refused"] != ACCEPTED
    readable_count = patients["images"] - patients["unreadable"]
    assert (refused == ((readable_count == 0) | (patients["unlike"] >= share * readable_count))).all()
