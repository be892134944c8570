import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.folds import require_all_folds, split_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_no_patient_is_on_two_sides_and_no_image_is_lost(splits, columns, share):
    for fold in (0, 1):
        tables = split_fold(splits, fold, columns, ModellingParameters(validation_share=share))
        parts = [tables.training, tables.held_out]
        parts += [] if tables.validation is None else [tables.validation]
        patients = [patient for part in parts for patient in part["patient"].unique()]
        assert len(patients) == len(set(patients)) == 16
        assert sum(map(len, parts)) == len(splits)
        assert set(tables.held_out["fold"]) == {tables.fold} == {fold}
        assert all(set(part["label"]) == {"plain", "red"} for part in parts)


def test_validation_takes_the_share_of_each_class(splits, columns):
    tables = split_fold(splits, 1, columns, ModellingParameters(validation_share=0.5))
    assert tables.validation.groupby("label")["patient"].nunique().to_dict() == {"plain": 2, "red": 2}
    assert tables.fold == 1


def test_the_seed_decides_who_validates(splits, columns):
    def chosen(seed):
        tables = split_fold(splits, 0, columns, ModellingParameters(seed=seed))
        return set(tables.validation["patient"])

    assert chosen(5) == chosen(5)
    assert len({frozenset(chosen(seed)) for seed in range(8)}) > 1


def test_without_validation_all_other_patients_train(splits, columns):
    tables = split_fold(splits, 0, columns, ModellingParameters(validation_share=0))
    assert tables.validation is None
    assert tables.training["patient"].nunique() == 8


def test_unknown_fold_is_refused(splits):
    with pytest.raises(UserError, match=r"modelling.folds asks for fold 7, but the splits hold 0, 1"):
        require_all_folds(splits, (0, 7), ModellingParameters(folds=[0, 7]))


@pytest.mark.parametrize("with_node", [(0,), (0, 1, 2)])
def test_all_folds_are_those_of_the_splits(splits, with_node):
    require_all_folds(splits, (0, 1), ModellingParameters(folds="all"))
    with pytest.raises(UserError, match=r"splits hold 2 and data_processing.split.folds tells of \d"):
        require_all_folds(splits, with_node, ModellingParameters(folds="all"))


def test_class_missing_in_the_held_out_fold_is_refused(splits, columns):
    table = splits[(splits["fold"] == 1) | (splits["label"] == "red")]
    with pytest.raises(UserError, match="no image of the class plain in fold 0"):
        split_fold(table, 0, columns, ModellingParameters())


def test_class_missing_in_the_training_folds_is_refused(splits, columns):
    table = splits[(splits["fold"] == 0) | (splits["label"] == "red")]
    with pytest.raises(UserError, match="no image of the class plain outside fold 0"):
        split_fold(table, 0, columns, ModellingParameters())


def test_one_patient_only_is_refused(splits, columns):
    with pytest.raises(UserError, match="no image of the class red in fold 0"):
        split_fold(splits[splits["patient"] == "000"], 0, columns, ModellingParameters())


def test_single_patient_of_a_class_cannot_both_train_and_validate(splits, columns):
    table = splits[(splits["fold"] == 0) | (splits["label"] == "plain") | (splits["patient"] == "003")]
    with pytest.raises(UserError, match="red has fewer than two patients outside fold 0") as raised:
        split_fold(table, 0, columns, ModellingParameters())
    assert "modelling.validation_share" in raised.value.remedy
    assert split_fold(table, 0, columns, ModellingParameters(validation_share=0))
