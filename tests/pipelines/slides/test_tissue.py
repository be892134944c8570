"""Is tissue found on every background, and only tissue?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.slides.parameters import TissueParameters
from mayo_kedro.pipelines.slides.tissue import find_background, find_tissue, take_border

from .drawings import GREEN, LILAC, WHITE, draw

USUAL = TissueParameters()


def overlap(found, true):
    return (found & true).sum() / (found | true).sum()


@pytest.mark.parametrize("background", [WHITE, LILAC, GREEN, (250, 240, 225), (170, 170, 170)])
def test_finds_tissue_whatever_the_background(background):
    pixels, true = draw(400, 300, background)
    colour = find_background(take_border(pixels))
    assert colour == background
    assert overlap(find_tissue(pixels, colour, USUAL), true) > 0.95


def test_the_background_is_that_of_the_border_not_of_the_slide():
    pixels, _ = draw(200, 200, LILAC, [(0.05, 0.05, 0.9, 0.9)])
    assert find_background(take_border(pixels)) == LILAC


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(150, 255)] * 3), st.floats(0.1, 0.6), st.floats(0.1, 0.6), st.integers(0, 9))
def test_shares_are_those_of_the_drawing(background, tall, wide, seed):
    pixels, true = draw(200, 240, background, [(0.2, 0.2, tall, wide)], seed)
    found = find_tissue(pixels, find_background(take_border(pixels)), USUAL)
    if np.linalg.norm(np.subtract(background, (190, 80, 140))) > 130:
        assert abs(found.mean() - true.mean()) < 0.05


def test_noise_of_the_scanner_is_no_tissue():
    generator = np.random.default_rng(1)
    pixels = np.clip(generator.normal(235, 4, (300, 300, 3)), 0, 255).astype(np.uint8)
    assert find_tissue(pixels, find_background(take_border(pixels)), USUAL).mean() == 0


def test_smooth_ink_is_no_tissue():
    pixels, true = draw(300, 300)
    pixels[250:280, 20:280] = (28, 60, 160)
    found = find_tissue(pixels, WHITE, USUAL)
    assert not found[255:275, 30:270].any()
    assert overlap(found, true) > 0.95


def test_specks_are_dropped():
    pixels, true = draw(300, 300, WHITE, [(0.3, 0.3, 0.4, 0.4), (0.02, 0.02, 0.02, 0.02)])
    found = find_tissue(pixels, WHITE, USUAL)
    assert not found[:20, :20].any()
    assert found[true].mean() > 0.95
    kept = find_tissue(pixels, WHITE, TissueParameters(smallest_share=0))
    assert kept[:20, :20].any()


def test_an_empty_slide_has_none():
    assert not find_tissue(np.full((50, 60, 3), 255, np.uint8), WHITE, USUAL).any()
