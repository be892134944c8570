"""From what each network tells of each image to the tables of images and patients, and the submission."""

import pandas as pd

from mayo_kedro.predictor import DISTANCES, describe_answer, name_numbers

ACCEPTED = "no"
"""In the column `refused`: not a reason, so that an empty cell always means a number that is not told."""

UNREADABLE = "cannot be decoded: damaged, cut short or no image"
UNLIKE = "unlike the images that the networks know"
UNLIKE_COLOURS = "of other colours than the images that the networks know"
UNREADABLE_PATIENT = "no image can be decoded"


def name_patients(table: pd.DataFrame) -> pd.DataFrame:
    """Give each image a patient: the table's, or else the name before the last `_`, as in the competition.

    Args:
        table: one row an image: `image` and, where it is known, `patient`.

    Returns:
        `image` and `patient`, never empty.
    """
    by_name = table["image"].str.rsplit("_", n=1).str[0]
    told = table["patient"].fillna("") if "patient" in table else pd.Series("", table.index)
    return pd.DataFrame({"image": table["image"], "patient": told.where(told != "", by_name)})


def judge_images(networks: pd.DataFrame, table: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Average over the networks, and refuse images that they do not know the like of.

    An image is unlike if its distance, in units of each network's threshold, is at least 1 in the mean: a
    mean of ranks would not tell far from very far, and the networks' own distances have different scales. Its
    colours, which have nothing to do with a network, are measured once.

    Args:
        networks: from `tabulate_networks`.
        table: one row an image: `image` and `patient`.
        classes: in order.

    Returns:
        The table with, for each class, `probability_<class>` (the mean of the networks) and the least and the
        most that one of them says, `lowest_<class>` and `highest_<class>`: all empty where the image is
        refused. Then `distance` and `colour_distance`, empty where the image is unreadable, and `refused`,
        which says why or "no".
    """
    distances = networks.groupby("image")[list(DISTANCES)].mean()
    told = _spread(networks, "image", classes).join(distances)
    images = table.merge(told, how="left", left_on="image", right_index=True)
    images["refused"] = ACCEPTED
    images.loc[images["colour_distance"] >= 1, "refused"] = UNLIKE_COLOURS
    images.loc[images["distance"] >= 1, "refused"] = UNLIKE
    images.loc[images["distance"].isna(), "refused"] = UNREADABLE
    images.loc[images["refused"] != ACCEPTED, name_numbers(classes)] = float("nan")
    return images


def judge_patients(
    networks: pd.DataFrame, images: pd.DataFrame, classes: tuple[str, ...], refused_share: float
) -> pd.DataFrame:
    """Average over each patient's images, and refuse patients of whom too many images are refused.

    Args:
        networks: from `tabulate_networks`.
        images: from `judge_images`; those that are refused do not count for their patients.
        classes: in order.
        refused_share: of the readable images that must be refused for the patient to be.

    Returns:
        One row a patient, in the order of the images: `patient`; the probabilities as in `judge_images`, the
        least and the most now of what a network says of the patient; `images`, `unreadable` and `unlike`
        count them; `distance` and `colour_distance` are means; `networks` counts these; `refused` says why or
        "no".
    """
    accepted = images.loc[images["refused"] == ACCEPTED, ["image", "patient"]]
    by_network = networks.merge(accepted, on="image").groupby(["patient", "network"])
    probabilities = by_network[[f"probability_{name}" for name in classes]].mean()
    patients = images.groupby("patient", sort=False).agg(
        images=("image", "size"),
        unreadable=("refused", lambda told: int((told == UNREADABLE).sum())),
        unlike=("refused", lambda told: int(told.isin([UNLIKE, UNLIKE_COLOURS]).sum())),
        **{name: (name, "mean") for name in DISTANCES},
    )
    patients["networks"] = networks["network"].nunique()
    readable = patients["images"] - patients["unreadable"]
    counts = zip(readable, patients["unlike"], strict=True)
    patients["refused"] = [_refuse(*count, refused_share) for count in counts]
    told = _spread(probabilities, "patient", classes)
    joined = (
        told.reindex(patients.index[patients["refused"] == ACCEPTED]).reindex(patients.index).join(patients)
    )
    return joined.reset_index()[list(describe_answer(classes))]


def make_submission(patients: pd.DataFrame, patient: str, classes: tuple[str, ...]) -> pd.DataFrame:
    """Write the probabilities as the competition asked for them.

    The metric makes rows add up to 1 and clips them itself. It weighs the classes alike, so of a patient
    about whom nothing is known the best guess is that all are as likely.

    Args:
        patients: from `judge_patients`.
        patient: name of the first column.
        classes: names of the others.

    Returns:
        One row a patient.
    """
    told = patients[[f"probability_{name}" for name in classes]].fillna(1 / len(classes))
    submission = told.set_axis(list(classes), axis=1)
    submission.insert(0, patient, patients["patient"])
    return submission


def _spread(networks: pd.DataFrame, by: str, classes: tuple[str, ...]) -> pd.DataFrame:
    """Mean, least and most of the networks, for each class."""
    groups = networks.groupby(by)
    told = {}
    for name in classes:
        probabilities = groups[f"probability_{name}"]
        told[f"probability_{name}"] = probabilities.mean()
        told[f"lowest_{name}"], told[f"highest_{name}"] = probabilities.min(), probabilities.max()
    return pd.DataFrame(told)


def _refuse(readable: int, unlike: int, refused_share: float) -> str:
    if not readable:
        return UNREADABLE_PATIENT
    if unlike < refused_share * readable:
        return ACCEPTED
    return f"{unlike} of {readable} readable images are {UNLIKE}"
