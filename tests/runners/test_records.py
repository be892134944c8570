"""Jobs that were sent can be found again."""

import dataclasses

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.runners.records import (
    FOLDER,
    Record,
    list_records,
    list_sent_together,
    read_record,
    write_record,
)

SENT = Record(
    run_id="train_1",
    kedro_run="2026-01-02T03.04.05",
    group="train",
    nodes=("train_node",),
    submitted="2026-01-02T03:04:05+00:00",
    environment="azure",
    pipelines=("modelling",),
    parameters={"modelling": {"seed": 2}},
    remaining=("train_node", "report_node"),
    secrets=("dagshub-1",),
    tracked_run="parent",
    job_tracked_run="child",
)


def test_a_record_comes_back_as_it_was(tmp_path):
    write_record(tmp_path, SENT)
    assert read_record(tmp_path, "train_1") == SENT
    again = dataclasses.replace(SENT, group="other")
    write_record(tmp_path, again)
    assert list_records(tmp_path) == [again]


def test_records_are_listed_newest_first_and_gathered_by_run(tmp_path):
    later = dataclasses.replace(SENT, run_id="train_2", submitted="2026-01-02T03:04:06+00:00")
    elsewhere = dataclasses.replace(
        SENT, run_id="b", kedro_run="other", submitted="2026-01-01T00:00:00+00:00"
    )
    for record in (elsewhere, SENT, later):
        write_record(tmp_path, record)
    assert [record.run_id for record in list_records(tmp_path)] == ["train_2", "train_1", "b"]
    assert list_sent_together(tmp_path, SENT) == [later, SENT]


def test_an_unknown_job_is_told_with_those_that_are_known(tmp_path):
    with pytest.raises(UserError, match="it knows none"):
        read_record(tmp_path, "missing")
    write_record(tmp_path, SENT)
    with pytest.raises(UserError, match="it knows train_1"):
        read_record(tmp_path, "missing")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run_id": "train_1"}'])
def test_a_damaged_record_is_named_and_left_out_of_lists(tmp_path, content):
    write_record(tmp_path, SENT)
    (tmp_path / FOLDER / "train_1.json").write_text(content)
    with pytest.raises(UserError, match="damaged"):
        read_record(tmp_path, "train_1")
    assert list_records(tmp_path) == []
