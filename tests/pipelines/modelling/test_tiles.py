import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.decoding import read_tiles
from mayo_kedro.pipelines.modelling.evidence import open_network
from mayo_kedro.pipelines.modelling.parameters import Augmentation, ModellingParameters
from mayo_kedro.pipelines.modelling.tile_network import build_tile_network
from mayo_kedro.pipelines.modelling.tiles import choose_tiles, find_background

LILAC = (222, 205, 230)
TISSUE = (150, 40, 90)


def draw_slide(height: int, width: int, boxes: list[tuple[int, int, int]]) -> np.ndarray:
    """Draw squares of tissue (top, left, side) on lilac glass."""
    slide = np.full((height, width, 3), LILAC, np.uint8)
    for top, left, side in boxes:
        slide[top : top + side, left : left + side] = TISSUE
    return slide


def count_tissue(tiles: np.ndarray) -> list[int]:
    return (tiles == TISSUE).all(axis=-1).sum(axis=(1, 2)).tolist()


def cut(slide: np.ndarray, frame: np.ndarray, size: int) -> np.ndarray:
    """What lies in a frame, on lilac glass where it reaches beyond the slide."""
    height, width = slide.shape[:2]
    left, top = (int(place) for place in np.rint(frame[:2] * [width, height]))
    glass = draw_slide(height + 2 * size, width + 2 * size, [])
    glass[size : size + height, size : size + width] = slide
    return glass[top + size : top + 2 * size, left + size : left + 2 * size]


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    size=st.integers(2, 16),
    count=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_tiles_are_the_richest_and_lose_nothing(height, width, size, count, seed):
    generator = np.random.default_rng(seed)
    slide = draw_slide(height + 2, width + 2, [])
    inside = generator.random((height, width)) < generator.random()
    slide[1:-1, 1:-1][inside] = TISSUE
    tiles, frames = (tensor.numpy() for tensor in choose_tiles(slide, size, count))
    assert tiles.shape == (count, size, size, 3)
    amounts = count_tissue(tiles)
    assert amounts == sorted(amounts, reverse=True)
    everything = -(-(height + 2) // size) * -(-(width + 2) // size)
    kept = sum(amounts)
    assert kept == inside.sum() if count >= everything else kept >= inside.sum() * count / everything - 1e-6
    assert ((tiles == TISSUE).all(axis=-1) | (tiles == LILAC).all(axis=-1)).all()
    for tile, frame in zip(tiles, frames, strict=True):
        if np.isnan(frame).any():
            assert (tile == LILAC).all()
        else:
            assert (cut(slide, frame, size) == tile).all()


def test_the_background_is_the_border_s_commonest_shade():
    slide = draw_slide(30, 30, [(0, 10, 8), (20, 20, 10)])
    noisy = np.clip(slide + np.random.default_rng(0).integers(-2, 3, slide.shape), 0, 255).astype(np.uint8)
    np.testing.assert_allclose(find_background(noisy), LILAC, atol=3)


def test_a_file_gives_tiles_at_its_own_scale(tmp_path):
    path = tmp_path / "slide.png"
    Image.fromarray(draw_slide(64, 96, [(32, 32, 32), (0, 70, 10)])).save(path)
    tiles, frames = read_tiles(tf.constant(str(path)), 32, 3)
    assert count_tissue(tiles.numpy()) == [32 * 32, 100, 0]
    np.testing.assert_allclose(frames[:2], [[1 / 3, 0.5, 2 / 3, 1], [2 / 3, 0, 1, 0.5]], rtol=1e-6)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_tile_network(ModellingParameters(recipe="tiles", tiles=3, image_size=32), 2)


@pytest.fixture(scope="module")
def bags() -> np.ndarray:
    """Two images of three tiles, of which the last is bare in the second image."""
    tiles = np.random.default_rng(2).integers(0, 256, (2, 3, 32, 32, 3)).astype(np.uint8)
    tiles[1, 2] = LILAC
    return tiles


def measure(network: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(open_network(network)(images)["attention"])


def test_attention_adds_up_to_one_and_leaves_bare_tiles_out(network, bags):
    attention = measure(network, bags)
    np.testing.assert_allclose(attention.sum(axis=1), 1, rtol=1e-6)
    assert attention[1, 2] == 0
    assert (np.delete(attention.ravel(), 5) > 0).all()
    bare = np.full_like(bags[:1], 255)
    np.testing.assert_allclose(measure(network, bare), 1 / 3, rtol=1e-6)


def test_neither_the_order_of_the_tiles_nor_the_colour_of_a_bare_one_matters(network, bags):
    told = np.asarray(network(bags))
    np.testing.assert_allclose(np.asarray(network(bags[:, [2, 0, 1]])), told, atol=1e-5)
    other = bags.copy()
    other[1, 2] = 255
    np.testing.assert_allclose(np.asarray(network(other)), told, atol=1e-6)


def test_each_tile_is_augmented_by_itself(network, bags):
    trainer = add_augmentation(network, Augmentation())
    augment = trainer.get_layer("augment")
    same = np.repeat(bags[:, :1], 3, axis=1)
    changed = np.asarray(augment(same, training=True))
    assert changed.shape == same.shape
    assert not np.allclose(changed[0, 0], changed[0, 1])
    bare = np.asarray(augment(bags, training=True))[1, 2]
    assert np.ptp(bare, axis=(0, 1)).max() == 0
    assert (np.asarray(augment(same, training=False)) == same).all()
