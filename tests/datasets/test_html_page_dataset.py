"""What Kedro-Viz is given of a page."""

import pytest

from mayo_kedro.datasets import HTMLPageDataset

PAGE = """<html><style>body { margin: 0 }</style>
<section class="first"><h2>So it is</h2>
  <p>and not otherwise</p></section>
<section>More</section></html>"""


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (PAGE, '<section class="first"><h2>So it is</h2> <p>and not otherwise</p></section>'),
        ("<html>No section</html>", ""),
    ],
)
def test_the_preview_is_the_first_section_in_one_line(tmp_path, page, shown):
    dataset = HTMLPageDataset(filepath=str(tmp_path / "page.html"))
    dataset.save(page)
    assert dataset.load() == page
    assert dataset.preview() == shown
