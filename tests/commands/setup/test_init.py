"""`kedro init` without a terminal: guesses, options, and what is refused."""

import re
import shutil

import pytest
import yaml

OWN = ("--repository", "ann/slides")


def read(conf, environment, file="globals.yml"):
    return yaml.safe_load((conf / environment / file).read_text())


def written(conf):
    """The files of all environments but those that were there."""
    known = {"base", "test", "article", "azure"}
    return {str(path.relative_to(conf)) for path in conf.glob("*/*") if path.parent.name not in known}


def test_guesses_set_up_a_repository(conf, call, slide_sandbox):
    result = call(*OWN, "--env", "slides")
    assert result.exit_code == 0, result.output
    assert read(conf, "slides") == {
        "repository": {"host": slide_sandbox.host, "owner": "ann", "name": "slides"},
        "images": {"table": "slides.csv", "folder": "scans", "suffix": ".jpg"},
        "columns": {"image": "slide", "patient": "person", "label": "kind", "centre": None},
    }
    assert written(conf) == {"slides/globals.yml"}
    for told in ("slides.csv", "scans/*.jpg", "efficientnet_lite0.h5", "'LAA'", "JPEG, RGB"):
        assert told in result.output, told
    assert "kedro doctor --env slides" in result.output
    assert slide_sandbox.token not in result.output


def test_every_question_has_an_option(conf, call, slide_sandbox):
    options = {
        "repository": f"{slide_sandbox.host}/ann/slides.git",
        "host": slide_sandbox.host,
        "branch": "main",
        "table": "odd/with_suffix.csv",
        "images": "scans",
        "suffix": ".jpg",
        "image-column": "slide",
        "patient-column": "slide",
        "label-column": "kind",
        "centre-column": "person",
        "positive": "CE",
        "weights": "pretrained_efficientnet/efficientnet_lite1.h5",
        "unlabelled": "ignore",
    }
    result = call("--yes", *(word for name, value in options.items() for word in (f"--{name}", value)))
    assert result.exit_code == 0, result.output
    assert read(conf, "local")["columns"] == {
        "image": "slide",
        "patient": "slide",
        "label": "kind",
        "centre": "person",
        "positive": "CE",
    }
    assert read(conf, "local")["images"] == {"table": "odd/with_suffix.csv", "folder": "scans", "suffix": ""}
    processing = read(conf, "local", "parameters_data_processing.yml")
    assert processing == {"data_processing": {"unlabelled_images": "ignore"}}
    assert read(conf, "local", "parameters_modelling.yml") == {
        "modelling": {"weights": "efficientnet_lite1.h5"}
    }
    assert "modelling.backbone" in result.output
    assert "2 of " in result.output  # images without a row
    assert "kedro run\n" in result.output


REFUSED = {
    "nothing is said": ((), r"--repository"),
    "no repository": (("--repository", "nonsense"), r"OWNER/NAME"),
    "an unknown repository": (
        ("--repository", "ann/nothing"),
        r"'ann/nothing' is not there.*\nCheck --repository",
    ),
    "an unknown branch": ((*OWN, "--branch", "no-such"), r"Branch 'no-such'.*\nCheck --repository, --branch"),
    "another host than the environment's": (
        (*OWN, "--host", "https://example.com"),
        r"DAGSHUB_CLIENT_HOST names",
    ),
    "no host": ((*OWN, "--host", "ftp://x"), r"That is no host"),
    "conf/base": ((*OWN, "--env", "base"), r"conf/base is what every other one changes"),
    "a folder above": ((*OWN, "--env", "../x"), r"--env"),
    "an unknown table": ((*OWN, "--table", "x.csv"), r"no 'x\.csv'.*\n.*--table.*'slides\.csv'"),
    "no CSV": ((*OWN, "--table", "odd/slides.parquet"), r"not a CSV.*\n.*to_csv"),
    "semicolons": ((*OWN, "--table", "odd/semicolons.csv"), r"separated by ';'"),
    "no text": ((*OWN, "--table", "odd/broken.csv"), r"can't be read as a table"),
    "an empty table": ((*OWN, "--table", "odd/empty.csv"), r"has no rows"),
    "an unknown folder": ((*OWN, "--images", "odd/nothing"), r"no 'odd/nothing'.*\n.*--images"),
    "an unknown suffix": ((*OWN, "--suffix", ".png"), r"no '\.png'.*\n.*--suffix"),
    "an unknown column": ((*OWN, "--label-column", "x"), r"no 'x'.*\n.*--label-column.*'kind'"),
    "too many classes": (
        (*OWN, "--table", "odd/all_classes.csv", "--label-column", "kind"),
        r"2 to 20 classes",
    ),
    "an unknown class": ((*OWN, "--positive", "x"), r"no 'x'.*\n.*--positive.*'CE'"),
    "unknown weights": ((*OWN, "--weights", "x.h5"), r"no 'x\.h5'.*\n.*--weights"),
    "a row without an image": ((*OWN, "--table", "odd/gone.csv"), r"name no image \('gone'\)"),
    "pictures that can't be read": (
        (*OWN, "--images", "odd/broken"),
        r"can't be read as an image \(10 bytes\): no known format\.\n",
    ),
}


@pytest.mark.parametrize(("arguments", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_used_is_told_and_nothing_is_written(conf, call, arguments, expected):
    result = call("--yes", *arguments)
    assert result.exit_code == 1, result.output
    assert not written(conf)
    error = result.output[result.output.index("Error: ") :]
    assert re.search(expected, error), error


@pytest.mark.parametrize(
    ("token", "told"), [("", "no token was sent"), ("hunter2hunter2", "token was refused")]
)
def test_a_private_repository_needs_the_right_token(conf, call, monkeypatch, token, told):
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", token)
    result = call(*OWN)
    assert result.exit_code == 1
    assert told in result.output
    assert "/user/settings/tokens" in result.output
    assert "hunter2" not in result.output
    assert not written(conf)


def test_a_public_repository_needs_none(conf, call, monkeypatch, public_host):
    monkeypatch.delenv("DAGSHUB_USER_TOKEN")
    monkeypatch.setenv("DAGSHUB_CLIENT_HOST", public_host)
    result = call(*OWN)
    assert result.exit_code == 0, result.output
    assert "There is no token in DAGSHUB_USER_TOKEN" in result.output
    assert read(conf, "local")["repository"]["host"] == public_host


def test_settings_are_only_overwritten_on_demand(conf, call):
    assert call(*OWN).exit_code == 0
    file = conf / "local" / "globals.yml"
    before = file.read_text() + "mlflow_server: dagshub\n"
    file.write_text(before)
    refused = call(*OWN, "--positive", "CE")
    assert refused.exit_code == 1
    assert "Say --force" in refused.output
    assert file.read_text() == before
    assert call(*OWN, "--positive", "CE", "--force").exit_code == 0
    assert read(conf, "local")["mlflow_server"] == "dagshub"
    assert read(conf, "local")["columns"]["positive"] == "CE"


def test_a_folder_is_served_by_the_stand_in(conf, call, slides):
    result = call("--folder", str(slides))
    assert result.exit_code == 0, result.output
    assert f"python -m mayo_kedro.sandbox --seed {slides} -- kedro run\n" in result.output
    assert "for Azure ML do the same with --env azure" in result.output
    assert "repository" not in read(conf, "local")
    assert written(conf) == {"local/globals.yml"}


@pytest.mark.parametrize(
    ("left_out", "told"), [("slides.csv", "There is no table"), ("scans", "There are no images")]
)
def test_a_folder_without_a_table_or_images_is_refused(conf, call, slides, tmp_path, left_out, told):
    shutil.copytree(slides, tmp_path / "copy", ignore=shutil.ignore_patterns(left_out, "odd"))
    result = call("--folder", str(tmp_path / "copy"))
    assert result.exit_code == 1
    assert told in result.output
    assert not written(conf)


def test_a_training_may_start_without_weights(conf, call):
    result = call(*OWN, "--weights", "none")
    assert result.exit_code == 0, result.output
    assert read(conf, "local", "parameters_modelling.yml") == {"modelling": {"weights": None}}


def test_a_table_of_other_images_is_refused_column_by_column(conf, call, slides, tmp_path):
    shutil.copytree(slides / "scans", tmp_path / "copy" / "scans")
    (tmp_path / "copy" / "other.csv").write_text("a,b,c\nx,1,k\ny,1,l\n")
    unguessed = call("--folder", str(tmp_path / "copy"))
    assert unguessed.exit_code == 1
    assert "Give --image-column. There is 'a', 'b', 'c'." in unguessed.output
    named = call("--folder", str(tmp_path / "copy"), "--image-column", "a", "--patient-column", "b")
    assert named.exit_code == 1
    assert "2 of 2 name no image ('x', 'y')" in named.output
    assert not written(conf)
