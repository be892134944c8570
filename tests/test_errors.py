import pickle

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import RemoteFileNotFoundError


def test_a_mistake_is_told_in_two_lines_and_survives_a_process_border():
    for kind in (UserError, RemoteFileNotFoundError):
        error = pickle.loads(pickle.dumps(kind("train.csv is missing.", "Check the name.")))
        assert type(error) is kind
        assert str(error) == "train.csv is missing.\nCheck the name."
        assert (error.what, error.remedy) == ("train.csv is missing.", "Check the name.")


def test_a_missing_file_is_also_pythons_own_kind_of_error():
    assert isinstance(RemoteFileNotFoundError("a", "b"), FileNotFoundError)
