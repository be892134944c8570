import json
import logging

import fsspec
import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import DagsHubUploadDataset
from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.slides.nodes import Publication
from mayo_kedro.streaming.revisions import forget_pins


@pytest.fixture
def upload(sandbox, tmp_path):
    def make(**changed):
        settings = {
            "filepath": f"dagshub:///{sandbox.owner}/{sandbox.name}@{sandbox.branch}/results",
            "files": [str(tmp_path / "*.json"), str(tmp_path / "report.html")],
            "record": str(tmp_path / "out" / "publication.json"),
            "enabled": True,
            "credentials": {
                "host": sandbox.host,
                "token": sandbox.token,
                "cache_folder": str(tmp_path / "cache"),
                "skip_instance_cache": True,
            },
        }
        return DagsHubUploadDataset(**{**settings, **changed})

    (tmp_path / "metrics.json").write_text(f'{{"patient_auc": 0.8, "of": "{tmp_path}"}}')
    (tmp_path / "report.html").write_text(f"<p>{tmp_path}</p>")
    return make


def test_saving_a_message_publishes_the_files_and_notes_the_commit(upload, caplog):
    dataset = upload()
    assert not dataset.exists()
    with caplog.at_level(logging.INFO):
        dataset.save("Publish a test")
    published = dataset.load()
    assert published["message"] == "Publish a test"
    assert published["commit"][:10] in caplog.text
    assert dataset.exists()


def test_publishing_again_without_a_change_makes_no_commit(upload):
    upload().save("Publish")
    first = upload().load()["commit"]
    upload().save("Publish once more")
    assert upload().load()["commit"] == first


def test_what_is_left_out_is_not_sent(upload, sandbox, tmp_path):
    folder = f"dagshub:///{sandbox.owner}/{sandbox.name}@{sandbox.branch}/without"
    upload(filepath=folder).save(Publication("Publish a part", frozenset({"report.html"})))
    assert upload().load()["message"] == "Publish a part"
    forget_pins()
    options = {"host": sandbox.host, "token": sandbox.token, "cache_folder": str(tmp_path / "again")}
    filesystem, path = fsspec.core.url_to_fs(folder, **options)
    assert [name.rpartition("/")[2] for name in filesystem.ls(path, detail=False)] == ["metrics.json"]


def test_when_it_is_off_nothing_is_sent(upload, sandbox, caplog):
    sandbox.reset()
    with caplog.at_level(logging.INFO):
        upload(enabled=False).save("Publish")
    assert "publish is off" in caplog.text
    assert sandbox.counts()["requests"] == 0
    assert not upload(enabled=False).exists()


def test_without_files_it_says_what_was_looked_for(upload, tmp_path):
    with pytest.raises(DatasetError) as error:
        upload(files=[str(tmp_path / "*.keras")]).save("Publish")
    assert isinstance(error.value.__cause__, UserError)
    assert "*.keras" in str(error.value.__cause__)


def test_a_token_that_may_not_write_is_told(upload, sandbox):
    options = {"host": sandbox.host, "token": "hunter2", "skip_instance_cache": True}
    with pytest.raises(DatasetError) as error:
        upload(credentials=options).save("Publish")
    assert "token was refused" in str(error.value.__cause__)
    assert "hunter2" not in str(error.value)


def test_an_interrupted_connection_is_tried_again(upload, sandbox):
    sandbox.fault(path="*/content/*", kind="reset", times=1, method="PUT")
    upload().save("Publish after a reset")
    assert json.dumps(upload().load())
