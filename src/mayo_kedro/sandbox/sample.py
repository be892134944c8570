"""Draw a data set in the layout of Kaggle's Mayo Clinic STRIP AI. It is synthetic, not medical data.

Each patient has a hidden trait, normal with unit variance, whose mean differs between the two classes by
`SEPARATION`. The trait sets how much of the clots is fibrin and how much red cells; nothing else depends
on the class. So nobody who reads the images can rank patients better than the trait does.
"""

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from mayo_kedro.sandbox.clot import Stain, draw_slide, draw_stain

PATIENTS = 480
NORMAL = NormalDist()
BEST_AUC = 0.90
SEPARATION = math.sqrt(2) * NORMAL.inv_cdf(BEST_AUC)  # AUC of two unit normals = Phi(distance / sqrt(2))
# Clots from the heart are reported to hold more fibrin and platelets and fewer red cells: Boeckh-Behrens
# et al., Stroke 2016, 47:1864; Sporns et al., Stroke 2017, 48:2206.
FIBRIN_RICH, CELL_RICH = "CE", "LAA"
FIBRIN_RICH_SHARE = 0.72  # of the patients
IMAGE_NOISE = 0.2  # standard deviation of an image's trait around its patient's
TRAIT_SPREAD = 0.8  # traits this far from 0 make the clot mostly fibrin or mostly red cells
FIBRIN_RANGE = (0.06, 0.94)
CENTERS = {1: 6, 2: 5, 3: 5, 4: 14, 5: 6, 6: 5, 7: 11, 8: 3, 9: 3, 10: 4, 11: 38}  # percent of the patients
IMAGES = {1: 86.0, 2: 10.7, 3: 2.1, 4: 0.6, 5: 0.6}  # percent of the patients
NEW_PATIENTS = 12  # without a label

NOTICE = "Synthetic drawings, not medical data; the best possible patient AUC is {best:.2f}.\n"
README = """# Synthetic slides of clots

{patients} invented patients, {images} drawn images, seed {seed}. **Nothing here is medical data**, and no
result on it says anything about stroke. It lets the whole way, from streaming to the report, be tried
without the competition's files.

## Layout
That of Kaggle's Mayo Clinic STRIP AI, with PNG in place of TIFF:
- `train.csv`: image_id, center_id, patient_id, image_num, label. Read the ids as text: some look like
  numbers, as the competition's do.
- `images/{{image_id}}.png`: RGB, 256-640 by 256-900 pixels; mostly empty slide, not always white.
- `test.csv`, `test/{{image_id}}.png`: {new} more patients without a label, to be predicted.

## How the labels relate to the pixels
Each patient has a hidden trait, normal with variance 1; the classes' means are {separation:.2f} apart. It
sets how much of the clot is pale, striated fibrin (more in {rich}) and how much dark, granular red cells
(more in {poor}); an image strays from its patient by {noise}. All else is drawn without regard to the
label: the slide's size, the clot's shape and area, nuclei, cracks, specks, pen marks, background, center,
and the center's stain, which shifts every colour.

## The best possible result
A reader of the trait itself reaches a patient AUC of **{best:.2f}** by construction, and {drawn:.3f} on this
very draw. A model that does clearly better has seen the answers: look for a leak.
"""


class Patient(NamedTuple):
    """One invented patient; the trait never leaves this module."""

    name: str
    center: int
    label: str
    trait: float
    images: int


def draw_sample(folder: Path, *, seed: int = 17, patients: int = PATIENTS) -> None:
    """Write `images/`, `test/`, `test.csv`, `NOTICE.txt`, `README.md` and, at the end, `train.csv`.

    The same seed and number of patients give the same bytes.

    Args:
        folder: where to write; made if it does not exist.
        seed: of everything drawn.
        patients: how many, at least 4, so that each class has one.

    Raises:
        ValueError: fewer than 4 patients.
    """
    if patients < 4:
        raise ValueError(f"A sample needs at least 4 patients for both classes to show, not {patients}")
    generator = np.random.default_rng([seed, 0])
    stains = {center: draw_stain(generator) for center in CENTERS}
    people = _draw_patients(generator, patients)
    known = {person.name for person in people}
    drawn = _draw_patients(np.random.default_rng([seed, 0, 1]), NEW_PATIENTS)
    new_people = [person for person in drawn if person.name not in known]
    for name in ("images", "test"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_texts(folder, people, new_people, seed)

    def draw(number: int, place: tuple[str, Patient]) -> None:
        _draw_images(folder / place[0], place[1], stains[place[1].center], [seed, number])

    places = [("images", person) for person in people] + [("test", person) for person in new_people]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(draw, range(1, len(places) + 1), places))
    _write_table(_tabulate(new_people).drop(columns="label"), folder / "test.csv")
    _write_table(_tabulate(people), folder / "train.csv")


def best_auc(people: Sequence[Patient]) -> float:
    """Patient AUC, in this draw, of a reader who sees the hidden trait itself: the share of ordered pairs."""
    rich = np.array([person.trait for person in people if person.label == FIBRIN_RICH])
    poor = np.array([person.trait for person in people if person.label == CELL_RICH])
    return float(np.mean(rich[:, np.newaxis] > poor))


def _draw_patients(generator: np.random.Generator, count: int) -> list[Patient]:
    fibrin_rich = min(round(count * FIBRIN_RICH_SHARE), count - 1)
    labels = generator.permutation([FIBRIN_RICH] * fibrin_rich + [CELL_RICH] * (count - fibrin_rich))
    centers = generator.choice(list(CENTERS), count, p=_shares(CENTERS.values()))
    images = generator.choice(list(IMAGES), count, p=_shares(IMAGES.values()))
    sides = np.where(labels == FIBRIN_RICH, SEPARATION / 2, -SEPARATION / 2)
    traits = generator.normal(sides, 1)
    names = _draw_names(generator, count)
    return [
        Patient(name, int(center), str(label), float(trait), int(number))
        for name, center, label, trait, number in zip(names, centers, labels, traits, images, strict=True)
    ]


def _shares(percents: Iterable[float]) -> list[float]:
    weights = list(percents)
    return [weight / sum(weights) for weight in weights]


def _draw_names(generator: np.random.Generator, count: int) -> list[str]:
    """Six hexadecimal digits each, unique; some that a careless reader of tables takes for numbers."""
    names: dict[str, None] = {}
    while len(names) < count:
        digits = f"{generator.integers(10**6):06d}"
        if len(names) % 20 == 3:
            names[f"00{digits[:4]}"] = None
        elif len(names) % 50 == 7:
            names[f"{digits[0]}e{digits[1:5]}"] = None
        else:
            names[f"{generator.integers(16**6):06x}"] = None
    return list(names)


def _draw_images(folder: Path, person: Patient, stain: Stain, seed: list[int]) -> None:
    generator = np.random.default_rng(seed)
    for number in range(person.images):
        trait = generator.normal(person.trait, IMAGE_NOISE)
        low, high = FIBRIN_RANGE
        fibrin_share = low + (high - low) * NORMAL.cdf(trait / TRAIT_SPREAD)
        slide = draw_slide(generator, fibrin_share, stain)
        Image.fromarray(slide).save(folder / f"{person.name}_{number}.png")


def _tabulate(people: Sequence[Patient]) -> pd.DataFrame:
    rows = [
        (f"{person.name}_{number}", person.center, person.name, number, person.label)
        for person in people
        for number in range(person.images)
    ]
    columns = ["image_id", "center_id", "patient_id", "image_num", "label"]
    return pd.DataFrame(rows, columns=columns).sort_values("image_id")


def _write_table(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _write_texts(folder: Path, people: Sequence[Patient], new_people: Sequence[Patient], seed: int) -> None:
    readme = README.format(
        patients=len(people),
        new=len(new_people),
        images=sum(person.images for person in people),
        seed=seed,
        separation=SEPARATION,
        rich=FIBRIN_RICH,
        poor=CELL_RICH,
        noise=IMAGE_NOISE,
        best=BEST_AUC,
        drawn=best_auc(people),
    )
    (folder / "NOTICE.txt").write_text(NOTICE.format(best=BEST_AUC), encoding="utf-8")
    (folder / "README.md").write_text(readme, encoding="utf-8")
