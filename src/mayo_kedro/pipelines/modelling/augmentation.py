"""Changes of the training images: the square's symmetries, other cuts, and other laboratories' colours."""

import math

import keras
from keras import ops

from mayo_kedro.pipelines.modelling.parameters import Augmentation
from mayo_kedro.pipelines.modelling.stains import restain, stain_matrices

# Weights of red, green and blue in what the eye takes for brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def add_augmentation(network: keras.Model, augmentation: Augmentation) -> keras.Model:
    """Put the augmentation in front of a network, for training only.

    Both share their weights; the network itself stays as it is, so that what is saved holds
    no random layer and loads wherever Keras is.
    """
    images = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    after_cast = keras.Model(network.get_layer("pixels").output, network.output, name="network")
    return keras.Model(images, after_cast(Augment(augmentation)(images)), name="trainer")


class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Change each image of a batch at random in training; else only cast it to float.

    Takes images (batch, size, size, 3) or tiles of images (batch, tiles, size, size, 3), from 0 to 255,
    and gives float32 of the same shape and range. Each tile is changed by itself.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        super().__init__(dtype="float32", name="augment")
        self.augmentation = augmentation
        self.seeds = keras.random.SeedGenerator()

    def call(self, images: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Augment a batch."""
        pixels = ops.cast(images, "float32")
        if not training:
            return pixels
        singly = ops.reshape(pixels, (-1, *pixels.shape[-3:]))
        changed = self._change_colours(self._change_stains(self._crop(self._turn(singly))))
        return ops.reshape(changed, (-1, *pixels.shape[1:]))

    def _turn(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Mirror, and turn by 0, 90, 180 or 270 degrees, each as likely."""
        if self.augmentation.flips:
            pixels = ops.where(self._toss(pixels), ops.flip(pixels, axis=1), pixels)
            pixels = ops.where(self._toss(pixels), ops.flip(pixels, axis=2), pixels)
        if self.augmentation.quarter_turns:
            turned = ops.flip(ops.transpose(pixels, (0, 2, 1, 3)), axis=1)
            pixels = ops.where(self._toss(pixels), turned, pixels)
            pixels = ops.where(self._toss(pixels), ops.flip(pixels, axis=(1, 2)), pixels)
        return pixels

    def _crop(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Cut a square out, of a side and at a place drawn at random, and enlarge it to the whole size."""
        if not self.augmentation.crop:
            return pixels
        count, size = ops.shape(pixels)[0], pixels.shape[1]
        lost = keras.random.uniform((count, 1), 0, self.augmentation.crop, seed=self.seeds)
        before = lost * keras.random.uniform((2, count, 1), seed=self.seeds)
        rows, columns = (enlarging_matrices(start, 1 - lost, size) for start in ops.unstack(before))
        return ops.einsum("npr,nrcd,nqc->npqd", rows, pixels, columns)

    def _change_stains(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Make each stain of an image stronger or weaker by a factor of its own."""
        if not self.augmentation.stain:
            return pixels
        changes = [self._draw(ops.shape(pixels)[0], self.augmentation.stain) for _ in range(3)]
        return restain(pixels, stain_matrices(1 + ops.concatenate(changes, axis=-1)))

    def _change_colours(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Apply hue and saturation as one 3x3 matrix an image, then contrast and brightness."""
        hue, saturation = self.augmentation.hue, self.augmentation.saturation
        contrast, brightness = self.augmentation.contrast, self.augmentation.brightness
        count = ops.shape(pixels)[0]
        matrices = ops.matmul(
            saturation_matrices(1 + self._draw(count, saturation)),
            hue_matrices(2 * math.pi * self._draw(count, hue)),
        )
        coloured = ops.einsum("nhwc,ndc->nhwd", pixels, matrices)
        mean = ops.mean(coloured, axis=(1, 2), keepdims=True)
        shift = 255 * ops.reshape(self._draw(count, brightness), (-1, 1, 1, 1))
        gain = 1 + ops.reshape(self._draw(count, contrast), (-1, 1, 1, 1))
        return ops.clip(gain * (coloured - mean) + mean + shift, 0.0, 255.0)

    def _toss(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        return keras.random.uniform((ops.shape(pixels)[0], 1, 1, 1), seed=self.seeds) < 0.5

    def _draw(self, count: keras.KerasTensor, strength: float) -> keras.KerasTensor:
        """Draw one number an image from -strength to strength, shape (batch, 1, 1)."""
        return keras.random.uniform((count, 1, 1), -strength, strength, seed=self.seeds)


def enlarging_matrices(before: keras.KerasTensor, kept: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Matrices that enlarge a part of a line of pixels to the whole line, by linear interpolation.

    Args:
        before: share of the line before the part, shape (batch, 1).
        kept: share of the line that the part is, shape (batch, 1); 1 changes nothing.
        size: pixels of the line.

    Returns:
        Shape (batch, size, size), to be multiplied with columns of pixels; their rows add up to 1.
    """
    places = ops.arange(size, dtype="float32")
    wanted = size * before + (places + 0.5) * kept - 0.5
    distances = ops.expand_dims(ops.clip(wanted, 0, size - 1), -1) - places
    return ops.relu(1 - ops.abs(distances))


def saturation_matrices(factors: keras.KerasTensor) -> keras.KerasTensor:
    """Matrices that multiply a colour's distance to the grey of the same brightness.

    Args:
        factors: shape (batch, 1, 1); 0 is grey, 1 changes nothing.

    Returns:
        Shape (batch, 3, 3), to be multiplied with (red, green, blue) columns.
    """
    grey = ops.tile(ops.reshape(ops.convert_to_tensor(LUMA, "float32"), (1, 1, 3)), (1, 3, 1))
    return factors * ops.reshape(ops.eye(3), (1, 3, 3)) + (1 - factors) * grey


def hue_matrices(angles: keras.KerasTensor) -> keras.KerasTensor:
    """Rotations about the grey axis of the colour cube (Rodrigues' formula).

    Args:
        angles: shape (batch, 1, 1), in radians; 0 changes nothing.

    Returns:
        Shape (batch, 3, 3), to be multiplied with (red, green, blue) columns.
    """
    axis = 1 / math.sqrt(3)
    cross = ops.convert_to_tensor([[[0, -axis, axis], [axis, 0, -axis], [-axis, axis, 0]]], "float32")
    identity = ops.reshape(ops.eye(3), (1, 3, 3))
    return ops.cos(angles) * identity + ops.sin(angles) * cross + (1 - ops.cos(angles)) / 3
