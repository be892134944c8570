import pytest
from pydantic import ValidationError

from mayo_kedro.pipelines.modelling.parameters import BACKBONES, ModellingParameters


def test_defaults_are_valid_and_frozen():
    parameters = ModellingParameters()
    with pytest.raises(ValidationError, match="frozen"):
        parameters.seed = 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"frozen_epochs": -1}, "frozen_epochs"),
        ({"fine_tune_epochs": -3}, "greater than or equal to 0"),
        ({"frozen_epochs": 0, "fine_tune_epochs": 0}, "nothing would be trained"),
        ({"backbone": "EfficientNetB9"}, "'EfficientNetB9' is not one of EfficientNetB0"),
        ({"bakbone": "EfficientNetB0"}, "Extra inputs are not permitted"),
        ({"augmentation": {"hues": 0.1}}, "augmentation.hues"),
        ({"augmentation": {"hue": -0.1}}, "augmentation.hue"),
        ({"folds": []}, "or different ones"),
        ({"folds": [1, 1]}, "or different ones"),
        ({"folds": [-1]}, "greater than or equal to 0"),
        ({"unfreeze": 0}, "unfreeze"),
        ({"fine_tune_learning_rate": 0}, "fine_tune_learning_rate"),
        ({"validation_share": 0.9}, "validation_share"),
        ({"image_size": 8}, "image_size"),
        ({"devices": 0}, "devices"),
        ({"calibration": "isotonic"}, "calibration"),
        ({"calibration": "platt", "validation_share": 0}, "validation_share is 0"),
        ({"checkpoint_epochs": 0}, "checkpoint_epochs"),
    ],
)
def test_refuses(setting, message):
    with pytest.raises(ValidationError, match=message):
        ModellingParameters(**setting)


def test_takes_every_backbone_and_all_folds():
    for name in BACKBONES:
        assert ModellingParameters(backbone=name, folds="all", unfreeze="all").backbone == name
    assert len(BACKBONES) == 8 + 7 + 3


def test_members_of_an_ensemble_differ_in_the_seed_only():
    parameters = ModellingParameters(seed=2**32 - 1, ensemble=2)
    assert [parameters.of_member(number).seed for number in range(2)] == [2**32 - 1, 0]
    assert parameters.of_member(1).model_dump(exclude={"seed"}) == parameters.model_dump(exclude={"seed"})
