"""The model card: what the model is, what it is for, and what it is not for (Mitchell et al. 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.wording import Numbers, count_of, join_words, name_task


@dataclass(frozen=True)
class ModelCard:
    """What has to be known before the model is used.

    Attributes:
        facts: what it is, trained and judged on what, and how well it does; by term.
        intended: what it may be used for.
        not_intended: what it must not be used for.
        limits: what these results cannot show.
    """

    facts: dict[str, str]
    intended: str
    not_intended: str
    limits: list[str]


def describe_model(
    metrics: Numbers,
    columns: Columns,
    data_source: Mapping[str, str],
    split_summary: Mapping[str, Any],
    training_summary: Mapping[str, Any],
) -> ModelCard:
    """Write the model card.

    Args:
        metrics: from `evaluate`.
        columns: names the classes.
        data_source: repository, host and commit.
        split_summary: patients and images of every fold.
        training_summary: backbone, image size and folds.
    """
    each = training_summary.get("networks_per_fold", 1)
    networks = count_of(each * len(training_summary["folds"]), "network")
    size = training_summary["image_size"]
    auc, loss = (
        "{:.3f} [{:.3f}, {:.3f}]".format(*(metrics[f"patient_{name}{end}"] for end in ("", "_low", "_high")))
        for name in ("auc", "weighted_log_loss")
    )
    facts = {
        "Task": f"{name_task(columns)} by one image at a time; a patient's images are averaged",
        "Model": f"{networks} ({training_summary['backbone']}), {each} for each held-out fold, "
        f"on images of {size} x {size} pixels",
        **describe_search(training_summary),
        "Output": f"a probability for each of {join_words(columns.ordered_classes)}",
        "Trained and judged on": f"{data_source['repository']}: "
        f"{count_of(split_summary['patients'], 'patient')}, of which {metrics['patients']:,} were judged",
        "By patient": f"AUC {auc}, weighted log loss {loss}",
        "Licence and terms": "those of the data and of the backbone's weights; see their repository",
    }
    return ModelCard(
        facts,
        "Research on the task and its data: to compare methods, and to look for what images tell.",
        "The diagnosis or treatment of a patient, alone or as a second opinion; images of other stains, "
        "scanners or organs; any use in which nobody looks at the image.",
        list_limits(split_summary, training_summary),
    )


def describe_search(training_summary: Mapping[str, Any]) -> dict[str, str]:
    """Tell how the settings of the training were found, if they were searched for."""
    searches = (training_summary.get("search") or {}).values()
    if not searches:
        return {}
    trials = count_of(max(search["trials"] for search in searches), "trial")
    names = sorted({name.replace("_", " ") for search in searches for name in search["settings"]})
    return {
        "Settings": f"for each held-out fold the best of {trials} by validation patients among those it is "
        f"trained on; the fold itself had no part in it. Searched: {join_words(names)}"
    }


def list_limits(split_summary: Mapping[str, Any], training_summary: Mapping[str, Any]) -> list[str]:
    """Tell what these results cannot show."""
    evaluated, folds = len(training_summary["folds"]), len(split_summary["folds"])
    limits = [
        "This is a research result. It is no medical device and must not guide the care of a patient.",
        "The intervals tell how much the numbers would move with other patients of the same kind. They do "
        "not cover other hospitals, stains or scanners, nor what another training run would give.",
        f"The network sees each image at {training_summary['image_size']} x {training_summary['image_size']} "
        "pixels: what is finer than that is lost to it.",
    ]
    if evaluated < folds:
        verb = "was" if evaluated == 1 else "were"
        limits.append(
            f"{evaluated} of {folds} folds {verb} held out and judged; the others only served for training. "
            'Setting modelling.folds to "all" judges every patient, in more time.'
        )
    if evaluated > 1:
        limits.append(
            "The patients of each fold were judged by a network of its own; the numbers are over all of them "
            "together."
        )
    return limits
