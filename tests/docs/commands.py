"""The commands that the README and the docs show, and what runs each of them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SMALL_NETWORK = (
    "modelling.backbone=EfficientNetLite0,modelling.weights=efficientnet_lite0.h5,modelling.image_size=64"
    ",modelling.unfreeze=1,modelling.frozen_epochs=1,modelling.fine_tune_epochs=1,modelling.folds=0"
)
SMALL_SANDBOX = ("mayo_kedro.sandbox --", "mayo_kedro.sandbox --seed SAMPLE --state .sandbox/small --")


@dataclass(frozen=True)
class Here:
    """Run by test_commands.py in a copy of the checkout, with a small sample.

    Attributes:
        replaced: a text of the command, and what stands there instead; SAMPLE is the small sample's folder.
        before: what is done first.
        added: what is said besides.
        environment: Kedro's, where the command names none.
        serves: what a browser is answered by the server that the command starts; it does not end by itself.
    """

    replaced: tuple[str, str] = ("", "")
    before: str = ""
    added: str = ""
    environment: str = "test"
    serves: str = ""

    def line(self, command: str, sample: Path) -> str:
        """What is given to the shell.

        Args:
            command: as documented.
            sample: the small sample's folder.
        """
        old, new = self.replaced
        changed = command.replace(old, new) if old else command
        return f"{self.before}{changed}{self.added}".replace("SAMPLE", str(sample))


@dataclass(frozen=True)
class Elsewhere:
    """Run by another test.

    Attributes:
        file: of the test.
        says: a text in it, such as the test's name.
    """

    file: str
    says: str


COMMANDS: dict[str, Here | Elsewhere] = {
    "source bin/_setup": Here(added=" && kedro --version"),
    "bin/run": Here(),
    "bin/test": Elsewhere(".ci/run", "bin/test"),
    "kedro registry list": Here(),
    "kedro run --pipelines data_processing": Here(),
    "kedro run --pipeline reporting": Here(),
    "kedro run --params modelling.folds=0": Here(added=" --pipelines modelling"),
    "kedro run --quiet": Elsewhere("tests/test_session.py", '"run", "--quiet"'),
    "kedro run --pipeline prediction --params new_images=FOLDER": Here(replaced=("FOLDER", "SAMPLE/images")),
    "kedro run --pipelines slides --env azure": Elsewhere(
        "tests/runners/rehearsal/test_slides_on_a_cluster.py", '"--pipelines", "slides", "--env", "azure"'
    ),
    "pip install .": Elsewhere("tests/test_wheel.py", "def test_another_project_reads_addresses_and_images"),
    "kedro package": Elsewhere("tests/test_wheel.py", "def test_kedro_package_makes_both"),
    "kedro doctor": Here(),
    "kedro init": Here(added=" --yes --env mine --folder SAMPLE"),
    "kedro init --folder FOLDER": Here(replaced=("FOLDER", "SAMPLE"), added=" --yes --env ours"),
    "kedro init --env azure": Here(added=" --yes --folder SAMPLE --force"),
    "kedro run --params data_processing.split.method=random": Here(added=" --pipelines data_processing"),
    "kedro run --conf-source my-conf": Here(
        before="cp -r conf my-conf && ", added=" --pipelines data_processing"
    ),
    "kedro run --env article": Here(added=f" --params {SMALL_NETWORK},reporting.bootstrap_samples=50"),
    "kedro run --env test": Elsewhere("tests/conftest.py", "def finished_project"),
    "python -m mayo_kedro.sandbox --help": Here(),
    "python -m mayo_kedro.sandbox --seed FOLDER -- kedro run": Elsewhere(
        "tests/conftest.py", "def finished_project"
    ),
    'python -m mayo_kedro.sandbox --slides --ranges -- sh -c "kedro run --pipelines slides && '
    'kedro run --env test"': Here(),
    "python -m mayo_kedro.sandbox -- kedro run --pipeline modelling --env azure": Here(
        replaced=SMALL_SANDBOX, added=f" --params {SMALL_NETWORK}"
    ),
    "kedro run --pipeline modelling --env azure": Elsewhere(
        "tests/docs/commands.py", '"python -m mayo_kedro.sandbox -- kedro run --pipeline modelling'
    ),
    "kedro run --pipeline modelling --env azure --params resume=true": Elsewhere(
        "tests/runners/rehearsal/test_trial.py", "def test_unchanged_work_is_not_paid_for_twice"
    ),
    "kedro azure doctor": Elsewhere("tests/commands/test_doctor.py", 'kedro("azure", "doctor")'),
    "kedro azure status": Elsewhere("tests/commands/test_commands.py", '"status"'),
    "kedro azure logs RUN_ID": Elsewhere("tests/commands/test_commands.py", '"logs"'),
    "kedro azure metrics RUN_ID": Elsewhere("tests/commands/test_commands.py", '"metrics"'),
    "kedro azure files RUN_ID": Elsewhere("tests/commands/test_commands.py", '"files"'),
    "kedro azure download RUN_ID": Elsewhere("tests/commands/test_commands.py", '"download"'),
    "kedro azure cancel RUN_ID": Elsewhere("tests/commands/test_commands.py", '"cancel"'),
    "kedro azure attach RUN_ID": Elsewhere(
        "tests/runners/rehearsal/test_endings.py", 'kedro("azure", "attach")'
    ),
    "export DAGSHUB_USER_TOKEN=…": Here(replaced=("…", "token"), added=" && kedro --version"),
    "dvc cache dir FOLDER": Here(
        replaced=("FOLDER", "../files"), before="mkdir -p dvc && cd dvc && dvc init --no-scm -q -f && "
    ),
    "kedro jupyter lab": Here(added=" --allow-root --no-browser --port PORT", serves="/api"),
    "python -m mayo_kedro.sandbox -- kedro jupyter lab": Here(
        replaced=SMALL_SANDBOX, added=" --allow-root --no-browser --port PORT", serves="/api"
    ),
    "kedro viz run": Elsewhere("tests/viz/running_viz.py", '"viz", "run"'),
    "kedro viz run --include-hooks": Elsewhere(
        "tests/test_selected_folds.py", "def test_kedro_viz_draws_the_first_fold_and_with_hooks_all"
    ),
    "mlflow ui": Here(added=" --port PORT", serves="/health"),
}


def list_documented() -> dict[str, list[str]]:
    """The commands in the bash blocks, each with the pages that show it."""
    found: dict[str, list[str]] = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            for command in filter(
                None, (re.sub(r"(^|\s)#.*", "", line).strip() for line in block.split("\n"))
            ):
                found.setdefault(command, []).append(page.relative_to(ROOT).as_posix())
    return found
