"""The page: whole in itself, and honest in words."""

import base64
import re
import subprocess
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mayo_kedro.pipelines.reporting import nodes
from mayo_kedro.pipelines.reporting.page.verdict import reach_verdict
from mayo_kedro.pipelines.reporting.wording import compare, count_of, join_words

from .examples import THREE, TWO, make_facts, make_inputs, name_columns


class Page(HTMLParser):
    """Collects what a reader and a browser find in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.addresses += [
            str(attributes[name]) for name in ("src", "href", "srcset", "action") if name in attributes
        ]
        if tag == "img":
            self.pictures.append(attributes)
        if "id" in attributes:
            self.ids.append(str(attributes["id"]))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.tags.append((tag, attributes))
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def write(inputs: dict[str, Any]) -> str:
    columns, settings = inputs["params:columns"], inputs["params:reporting"]
    predictions, splits, images = inputs["predictions"], inputs["splits"], inputs["clot_images"]
    facts = make_facts(splits)
    judged = (predictions, splits, facts, columns, settings)
    cases = nodes.select_cases(predictions, columns, settings)
    return nodes.write_report(
        predictions,
        splits,
        inputs["history"],
        *nodes.evaluate_predictions(*judged),
        nodes.evaluate_subgroups(*judged),
        cases,
        nodes.picture_cases(cases, inputs["evidence"], images, inputs["training_summary"], settings),
        nodes.describe_data(splits, facts, columns),
        inputs["split_summary"],
        inputs["training_summary"],
        inputs["data_source"],
        columns,
        settings,
    )


@cache
def write_honest_page() -> str:
    """The page of the plain examples, which many tests look at."""
    return write(make_inputs())


@cache
def write_leaking_page() -> str:
    return write(make_inputs(leaks=True))


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_the_page_needs_nothing_else(classes: tuple[str, ...]) -> None:
    html = write_honest_page() if classes == TWO else write(make_inputs(classes))
    page = Page(html)
    assert page.open == []
    outside = [address for address in page.addresses if not address.startswith("#")]
    assert all(address.startswith("data:image/") for address in outside)
    assert not re.search(r"url\(|@import|<script|<link", html)
    for address in outside:
        base64.b64decode(address.partition("base64,")[2], validate=True)


def test_the_same_results_give_the_same_page() -> None:
    assert write(make_inputs()) == write_honest_page()


def test_every_picture_is_described() -> None:
    page = Page(write(make_inputs(skill=0.2)))
    # Six figures, and three cases of each of four kinds, each beside its evidence.
    assert len(page.pictures) == 6 + 2 * 12
    assert all(picture["alt"] for picture in page.pictures)


@pytest.mark.parametrize("leaks", [False, True])
def test_the_page_is_usable_without_a_mouse(leaks: bool) -> None:
    page = Page(write_leaking_page() if leaks else write_honest_page())
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    assert links[0] == "#main"
    assert {link.removeprefix("#") for link in links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}
    # No level is left out on the way down.
    assert page.headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(page.headings))
    named = [attributes["aria-labelledby"] for tag, attributes in page.tags if tag == "section"]
    assert set(named) <= set(page.ids)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_the_page_tells_how_it_was_made() -> None:
    inputs = make_inputs()
    inputs["training_summary"]["mlflow_run"] = "f00d"
    text = Page(write(inputs)).text
    for fact in ("forest/trees at https://example.org", "0123456789abcdef0123", "EfficientNetB7", "96 x 96"):
        assert fact in text
    assert "split 4, training 5, intervals 1" in text
    assert "MLflow run f00d" in text


def test_what_is_not_known_is_left_out() -> None:
    inputs = make_inputs()
    inputs["data_source"] |= {"host": "", "branch": "", "commit": "", "notice": ""}
    text = Page(write(inputs)).text
    for term in ("MLflow run", "Commit of the data", "Branch", "About these data"):
        assert term not in text


def test_the_notice_is_shown_and_escaped() -> None:
    html = write_honest_page()
    assert "About these data: Drawn trees & no real ones." in Page(html).text
    inputs = make_inputs()
    inputs["data_source"]["notice"] = "<script>alert(1)</script>"
    assert "<script" not in write(inputs)


def test_centres_that_were_left_out_are_named_with_their_scores() -> None:
    inputs = make_inputs()
    inputs["splits"] = inputs["splits"].assign(centre="site " + inputs["splits"]["fold"].astype(str))
    folds = [fold | {"centre": f"site {fold['fold']}"} for fold in inputs["split_summary"]["folds"]]
    inputs["split_summary"] |= {"method": "by_centre", "folds": folds}
    text = Page(write(inputs)).text
    assert "Leave one centre out: each centre below was judged by a network that saw no image of it" in text
    assert "By held-out centre" in text
    assert "Fold 3, centre site 3 held out and judged" in text
    assert re.search(r"site 3 12 6 6 0\.\d\d \[0\.\d\d, [01]\.\d\d\]", text)
    assert "Leave one centre out" not in Page(write_honest_page()).text


@pytest.mark.parametrize(
    ("skill", "tone", "headline"),
    [
        (1.0, "good", "Yes: the model does better than a constant guess."),
        (0.0, "bad", "No: the model is not shown to do better than a constant guess."),
    ],
)
def test_the_verdict_follows_the_intervals(skill: float, tone: str, headline: str) -> None:
    html = write(make_inputs(skill=skill))
    assert headline in Page(html).text
    assert f'class="box verdict {tone}"' in html


def made_up(auc: tuple[float, float], loss: tuple[float, float]) -> dict[str, float]:
    """Metrics whose differences to the constant guess have the given intervals."""
    numbers = {"patients": 10, "images": 12}
    for name, constant, (low, high) in (("auc", 0.5, auc), ("weighted_log_loss", 0.69, loss)):
        numbers |= {f"patient_{name}_difference_low": low, f"patient_{name}_difference_high": high}
        numbers |= {f"patient_{name}": constant + (low + high) / 2, f"patient_{name}_constant": constant}
        numbers |= {f"patient_{name}_low": constant + low, f"patient_{name}_high": constant + high}
        numbers |= {f"patient_{name}_over_size_low": low, f"patient_{name}_over_size_high": high}
        numbers |= {f"patient_{name}_size": constant}
    return numbers


@pytest.mark.parametrize(
    ("auc", "loss", "tone", "start"),
    [
        ((0.1, 0.2), (-0.2, -0.1), "good", "Yes"),
        ((0.1, 0.2), (-0.2, 0.1), "unclear", "In part: it ranks"),
        ((0.1, 0.2), (0.1, 0.2), "unclear", "In part: it ranks"),
        ((-0.1, 0.2), (-0.2, -0.1), "unclear", "In part: its probabilities"),
        ((-0.1, 0.2), (-0.2, 0.1), "bad", "No"),
        ((-0.2, -0.1), (0.1, 0.2), "bad", "No"),
    ],
)
def test_verdicts(auc: tuple[float, float], loss: tuple[float, float], tone: str, start: str) -> None:
    verdict = reach_verdict(made_up(auc, loss), name_columns(TWO), 0.95, [])
    assert verdict.tone == tone
    assert verdict.headline.startswith(start)
    assert "10 patients (12 images)" in verdict.sentences[3]
    better = "better than the image's size alone (AUC 0.50) does"
    assert verdict.sentences[2].startswith(f"It ranks patients {better}") == (auc[0] > 0)


def test_comparing_knows_which_way_is_better() -> None:
    numbers = made_up((-0.2, -0.1), (-0.2, -0.1))
    assert compare(numbers, "patient_auc") == "worse"
    assert compare(numbers, "patient_weighted_log_loss") == "better"


def test_a_leaking_split_is_told_first() -> None:
    html = write_leaking_page()
    text = Page(html).text
    assert "This evaluation can't be trusted." in text
    assert "Alarm: 40 patients on both sides" in text
    assert "The first 12 of 40; all are in leak_alarms.json." in text
    assert "patients it has not seen" not in text
    assert 'class="box verdict bad"' in html
    assert "on both sides" not in Page(write_honest_page()).words
    honest = Page(write_honest_page()).text
    assert "Alarm:" not in honest
    assert "can't be trusted" not in honest


def test_what_a_random_split_is_worth_is_told() -> None:
    text = Page(write_leaking_page()).text
    assert "What this accuracy is worth" in text
    assert re.search(r"The accuracy of \d+\.\d% is (not shown to be )?better than always naming no", text)
    assert "have another image of the same patient in the training" in text
    assert "What this accuracy is worth" not in Page(write_honest_page()).text


def test_every_alarm_is_shown_with_its_rows() -> None:
    inputs = make_inputs()
    inputs["splits"] = inputs["splits"].assign(centre=inputs["splits"]["patient"].str[-2])
    text = Page(write(inputs)).text
    assert "Read with care: 6 centres on both sides" in text
    assert "Centre Images Folds" in text
    assert "By centre" in text
    assert "Centres 6" in text


def test_few_patients_and_several_labels_are_told() -> None:
    inputs = make_inputs(THREE, patients=30)
    inputs["split_summary"]["patients_with_several_labels"] = 1
    text = Page(write(inputs)).text
    assert "Only 10 patients with elm could be judged" in text
    assert "1 patient with images of several classes" in text


def test_training_without_validation_speaks_of_none() -> None:
    inputs = make_inputs()
    assert "Validation images were set apart" in Page(write(inputs)).text
    inputs["history"] = inputs["history"].drop(columns="val_loss")
    assert "alidation" not in Page(write(inputs)).text


def test_folds_that_were_not_judged_are_told() -> None:
    inputs = make_inputs()
    inputs["training_summary"]["folds"] = [3]
    text = Page(write(inputs)).text
    assert "1 of 5 folds was held out and judged" in text
    assert "Fold 3 held out and judged 12 24 6 (50%) 6 (50%)" in text
    assert "Fold 2 training only 12 24" in text


def test_a_faultless_model_has_no_wrong_images() -> None:
    assert "no held-out image was given a wrong class" in Page(write(make_inputs(skill=50))).text


@pytest.mark.parametrize(
    ("words", "expected"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined(words: list[str], expected: str) -> None:
    assert join_words(words) == expected


def test_one_is_not_many() -> None:
    assert (count_of(1, "patient"), count_of(1200, "image")) == ("1 patient", "1,200 images")


@pytest.fixture
def photograph(tmp_path: Path, chromium: str) -> Callable[[str, int], Image.Image]:
    """Show a page in a window of some width and take its picture."""

    def take(html: str, width: int) -> Image.Image:
        page, picture = tmp_path / "report.html", tmp_path / "report.png"
        # Measured by the page itself: what is wider than the window would need scrolling.
        script = "<script>document.title = document.documentElement.scrollWidth - innerWidth</script>"
        page.write_text(html.replace("</body>", f"{script}</body>"), encoding="utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        window = f"--window-size={width},2400"
        subprocess.run(
            [chromium, *options, window, f"--screenshot={picture}", page.as_uri()], check=True, timeout=60
        )
        shown = subprocess.run(
            [chromium, *options, window, "--dump-dom", page.as_uri()],
            check=True,
            timeout=60,
            capture_output=True,
            text=True,
        )
        assert "<title>0</title>" in shown.stdout
        return Image.open(picture).convert("RGB")

    return take


@pytest.mark.browser
@pytest.mark.parametrize("width", [1100, 500])
def test_the_page_shows_in_a_browser(photograph: Callable[[str, int], Image.Image], width: int) -> None:
    picture = photograph(write_honest_page(), width)
    assert picture.width == width
    colours = {colour for _, colour in picture.getcolors(maxcolors=10**7) or []}
    # The verdict's box and the paper.
    assert {(231, 244, 239), (255, 255, 255)} <= colours
