"""`kedro init` in a terminal: it asks, takes no nonsense, and Ctrl-C leaves nothing behind."""

import os

import yaml

from tests.commands.setup.test_init import written
from tests.runners.watching.terminal import Terminal

# The command itself: all of Kedro's would take seconds more.
INIT = "from mayo_kedro.commands.setup.init import init; init(prog_name='kedro init')"


def answer(terminal, answers):
    for question, typed in answers:
        terminal.wait_for(question)
        terminal.press(f"{typed}\r")


def test_questions_take_an_answer_or_the_guess(conf):
    terminal = Terminal("-c", INIT, "--env", "mine", folder=conf.parent)
    answer(
        terminal,
        [
            ("Repository (", "nonsense"),
            ("That is no repository", ""),
            ("Repository (", f"{os.environ['DAGSHUB_CLIENT_HOST']}/ann/slides"),
            ("Host [http://127.0.0.1", ""),
            ("Branch [main]", ""),
            ("Table [slides.csv]", "odd/with_suffix.csv"),
            ("Folder of the images [scans]", "nowhere"),
            ("there is no 'nowhere'", ""),
            ("Column of the image (its file's name) [slide]", ""),
            ("[person]", ""),
            ("[kind]", "none"),
            ("there is no 'none'", ""),
            ("made (none if there is none) [none]", ""),
            ("Class to detect [LAA]", "CE"),
            (
                "Weights to start from (none: at random) [pretrained_efficientnet/efficientnet_lite0.h5]",
                "none",
            ),
            ("Leave the images without a row alone? (--unlabelled) [Y/n]", "y"),
            ("Write this? [Y/n]", ""),
        ],
    )
    code, shown = terminal.end()
    assert code == 0, shown
    assert "kedro run --env mine" in shown
    assert yaml.safe_load((conf / "mine" / "globals.yml").read_text())["columns"]["positive"] == "CE"
    names = ("globals", "parameters_data_processing", "parameters_modelling")
    assert written(conf) == {f"mine/{name}.yml" for name in names}


def test_ctrl_c_leaves_nothing_behind(conf):
    given = ["--repository", "ann/slides", "--host", os.environ["DAGSHUB_CLIENT_HOST"], "--branch", "main"]
    given += ["--table", "odd/gone.csv", "--images", "scans", "--centre-column", "none", "--weights", "none"]
    given += ["--image-column", "slide", "--patient-column", "person", "--label-column", "kind"]
    terminal = Terminal("-c", INIT, *given, "--positive", "CE", "--env", "mine", folder=conf.parent)
    answer(terminal, [("A run would end with that. Go on all the same? [y/N]", "y"), ("alone?", "")])
    terminal.wait_for("Write this?")
    terminal.interrupt()
    code, shown = terminal.end()
    assert code == 1
    assert "Aborted!" in shown
    assert "Traceback" not in shown
    assert not written(conf)
    assert not (conf / "mine").exists()
