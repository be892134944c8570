"""What `kedro init` has written passes the checks of `kedro doctor`, which read it as a run does."""

import pytest
import yaml
from kedro.config import OmegaConfigLoader

from mayo_kedro.commands.checks import data, dataset
from mayo_kedro.commands.checks.finding import Level
from mayo_kedro.commands.checks.showing import show_all
from mayo_kedro.commands.connection import Setup


@pytest.fixture
def set_up(conf, call):
    """Set an environment up, and read it."""
    assert call("--repository", "ann/slides", "--env", "mine").exit_code == 0

    def read():
        from mayo_kedro.settings import CONFIG_LOADER_ARGS

        return Setup(conf.parent, OmegaConfigLoader(str(conf), env="mine", **CONFIG_LOADER_ARGS))

    return read


def change(conf, file, **settings):
    path = conf / "mine" / file
    present = yaml.safe_load(path.read_text()) if path.is_file() else {}
    path.write_text(yaml.safe_dump({**present, **settings}))


def examine(setup):
    checks = (*data.CHECKS_HERE, *dataset.CHECKS)
    return [finding for check in checks for finding in check.carry_out(setup)]


def test_all_is_well(set_up, capsys):
    found = examine(set_up())
    assert {one.subject: one.level for one in found} == dict.fromkeys(
        ("Repository", "Table", "Images", "Weights"), Level.OK
    )
    assert show_all(found, "All is well.") == 0
    shown = capsys.readouterr().out
    assert "30 images of 24 patients: 18 CE, 12 LAA" in shown
    assert "5 of 30 opened: JPEG, RGB" in shown
    assert shown.endswith("All is well.\n")


def test_a_missing_token_is_warned_of(set_up, monkeypatch):
    monkeypatch.delenv("DAGSHUB_USER_TOKEN")
    token, access = data.CHECKS_HERE[0].carry_out(set_up())
    assert token.level is Level.WARNING
    assert "DAGSHUB_USER_TOKEN" in token.remedy
    assert access.level is Level.WRONG


def test_more_folds_than_patients_are_wrong(conf, set_up, capsys):
    change(conf, "parameters_data_processing.yml", data_processing={"split": {"folds": 9}})
    found = [finding for finding in examine(set_up()) if finding.subject == "Table"]
    assert show_all(found, "") == 1
    assert "too few for 9 folds" in capsys.readouterr().out


def test_a_table_without_rows_is_wrong(conf, set_up):
    images = {"table": "odd/empty.csv", "folder": "scans", "suffix": ".jpg"}
    change(conf, "globals.yml", images=images)
    levels = {one.subject: one.level for one in examine(set_up())}
    assert levels["Table"] is levels["Images"] is Level.WRONG


def test_no_weights_are_needed_for_a_start_at_random(conf, set_up):
    change(conf, "parameters_modelling.yml", modelling={"weights": None})
    (found,) = dataset.CHECKS[-1].carry_out(set_up())
    assert found.level is Level.OK
    assert "at random" in found.said


def test_without_a_repository_nobody_is_asked(conf, set_up, monkeypatch):
    monkeypatch.delenv("MAYO_KEDRO_SANDBOX", raising=False)
    sample = yaml.safe_load((conf / "base" / "globals.yml").read_text())
    change(conf, "globals.yml", **{name: sample[name] for name in ("repository", "images", "columns")})
    (found,) = data.CHECKS_HERE[0].carry_out(set_up())
    assert found.level is Level.OK
    assert "kedro init" in found.remedy


def test_the_sample_beside_settings_for_other_data_is_warned_of(conf, set_up, monkeypatch):
    monkeypatch.delenv("MAYO_KEDRO_SANDBOX", raising=False)
    change(conf, "globals.yml", repository={"owner": None, "name": None})
    (found,) = data.CHECKS_HERE[0].carry_out(set_up())
    assert found.level is Level.WARNING
    assert "--seed FOLDER" in found.remedy
