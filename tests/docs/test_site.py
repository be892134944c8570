"""The site: it is built without a warning, asks nobody, and its generated pages tell what the code says."""

import ast
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from pydantic import BaseModel

import mayo_kedro.datasets
from mayo_kedro.cli import COMMANDS
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.slides.parameters import SlidesParameters
from mayo_kedro.runners.azure.known_mistakes import KNOWN_MISTAKES
from mayo_kedro.runners.settings import AzureMLCredentials, AzureMLSettings
from tests.docs.commands import ROOT

MODELS = {
    "data_processing": DataProcessingParameters,
    "modelling": ModellingParameters,
    "reporting": ReportingParameters,
    "slides": SlidesParameters,
    "": AzureMLSettings,
    "azureml": AzureMLCredentials,
}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link":
            self.loaded.append(given.get("href", ""))
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def read(site: Path, page: str) -> str:
    """What a page itself says, without its marks and its surroundings."""
    article = (site / page).read_text().partition("<article")[2].partition("</article>")[0]
    return html.unescape(re.sub(r"<[^>]+>", "", f"<{article}"))


def words(text: str) -> str:
    return " ".join(text.split())


def test_no_page_loads_anything_from_elsewhere(site, pages):
    assert len(pages) > 15
    for path, page in pages.items():
        elsewhere = [address for address in page.loaded if urlsplit(address).netloc]
        assert not elsewhere, path
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.findall(r"url\([\"']?(?:https?:)?//", styles)


def test_every_relative_link_leads_to_a_page_and_a_place(pages):
    lost = []
    for path, page in pages.items():
        for address in [*page.links, *page.loaded]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].places if target in pages else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in known):
                lost.append(f"{path.name}: {address}")
    assert not lost


def flatten(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in settings.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")


def fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """The names of a model's fields, and of those of the models that are their defaults."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.default, BaseModel):
            yield from fields(type(field.default), f"{prefix}{name}.")


@pytest.mark.parametrize(
    "file", sorted((ROOT / "conf" / "base").glob("parameters_*.yml")), ids=lambda path: path.stem
)
def test_every_key_of_a_parameter_file_is_on_the_settings_page(site, file):
    shown = read(site, "reference/settings.html")
    given = yaml.safe_load(file.read_text())
    names = {name for name in flatten(given) if "modelling.search.space." not in name}
    missing = {name for name in names if "." in name and not re.search(rf"\b{re.escape(name)}\b", shown)}
    assert not missing
    assert f"conf/base/{file.name}" in shown


@pytest.mark.parametrize("key", MODELS)
def test_every_field_of_a_model_is_on_the_settings_page_with_its_meaning(site, key):
    rows = re.findall(r"<tr>(.*?)</tr>", (site / "reference/settings.html").read_text(), re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    meanings = {re.sub(r"<[^>]+>", "", row[0]): row[3] for row in cells if len(row) == 4}
    names = list(fields(MODELS[key], f"{key}." if key else ""))
    assert names
    assert [name for name in names if not meanings.get(name)] == []


def test_the_settings_page_tells_kinds_bounds_and_defaults(site):
    text = words(read(site, "reference/settings.html"))
    assert "data_processing.split.folds whole number, ≥ 2, ≤ 1000 5 how many parts" in text
    assert 'slides.cut "whole" or "tiles" "whole" "whole" makes one image of each slide' in text
    assert "slides.longest_side whole number or null, ≥ 16, ≤ 65535 1024" in text
    assert "slides.tiles.side times slides.tiles.factor may be 8192 at most" in text


def raised(package: Path) -> Iterator[str]:
    """The unchanging first words of each mistake that is made with a plain text."""
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "UserError":
                what = node.args[0]
                if isinstance(what, ast.Constant):
                    yield str(what.value)
                elif isinstance(what, ast.JoinedStr) and isinstance(what.values[0], ast.Constant):
                    yield str(what.values[0].value)


def test_every_mistake_is_on_the_errors_page(site):
    shown = words(read(site, "reference/errors.html"))
    told = [words(text).replace("`", "") for text in raised(ROOT / "src" / "mayo_kedro")]
    assert len(told) > 40
    assert not [text for text in told if text not in shown]
    assert not [known.what for known in KNOWN_MISTAKES if known.what not in shown]


def test_the_errors_page_reads_as_words_and_not_as_code(site):
    shown = words(read(site, "reference/errors.html"))
    assert "{" not in shown.replace("${oc.env:NAME,null}", "")
    assert "modelling.devices asks for «wanted» GPUs, but this machine has «number of names»." in shown
    remedy = "Put a token that may read the repository into the environment variable DAGSHUB_USER_TOKEN"
    assert remedy in shown
    assert "In the label table column «name» has ids more than once" in shown


def test_every_catalog_class_and_command_has_its_place(pages, site):
    catalog = pages[site / "reference/catalog.html"].places
    assert {f"mayo_kedro.datasets.{name}" for name in mayo_kedro.datasets.__all__} <= catalog
    commands = read(site, "reference/commands.html")
    assert all(f"kedro {name}" in commands for name in COMMANDS)
    assert "kedro azure doctor" in commands
    assert "--latency-ms" in commands
    assert "Sentinel" not in commands


def test_the_site_names_no_folder_of_this_machine(pages):
    for path in pages:
        assert str(ROOT) not in path.read_text()


def test_building_needs_neither_tensorflow_nor_azureml():
    code = """
import sys
from pathlib import Path
sys.path.insert(0, "docs")
import hook
for write_page in hook.PAGES.values():
    write_page(Path.cwd())
print([name for name in ("tensorflow", "azureml", "mlflow", "dagshub") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
