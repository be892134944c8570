"""Stains as colours: how much of each lies on a pixel, and what it would look like with more or less.

Light that passes a stain is weakened by a factor, so optical densities, the logarithms, add up: those of a
pixel are a sum of the stains' own, each by its amount (Ruifrok and Johnston 2001, Analytical and Quantitative
Cytology and Histology 23:291-299). Of three channels three stains can be told apart. Tellez et al. (2018,
doi.org/10.1109/TMI.2018.2820199) draw the amounts anew to imitate other laboratories, and compare factors
within 5 % of 1 with factors within 20 % (2019, arxiv.org/abs/1902.06543). They add random amounts, too, which
is left out here: bare glass has no stain to vary.

This assumes haematoxylin and eosin on clear glass. Of another stain, such as Martius scarlet blue, the three
amounts are not the true ones, and the tint of lilac or green glass is taken for a little of each and changes
with them. Densities are still mixed as stains mix them, and white stays white.
"""

import keras
import numpy as np
from keras import ops

# Optical densities of a little haematoxylin, eosin and diaminobenzidine in red, green and blue.
DENSITIES = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
VECTORS = DENSITIES / np.linalg.norm(DENSITIES, axis=1, keepdims=True)

LEVELS = 256.0


def stain_matrices(factors: keras.KerasTensor) -> keras.KerasTensor:
    """Matrices that multiply the amount of each stain.

    Args:
        factors: of haematoxylin, eosin and diaminobenzidine, shape (batch, 1, 3); 1 changes nothing.

    Returns:
        Shape (batch, 3, 3), to be multiplied from the right with rows of optical densities.
    """
    separate = ops.convert_to_tensor(np.linalg.inv(VECTORS), "float32")
    return ops.matmul(separate * factors, ops.convert_to_tensor(VECTORS, "float32"))


def restain(pixels: keras.KerasTensor, matrices: keras.KerasTensor) -> keras.KerasTensor:
    """Change the optical densities of images.

    Args:
        pixels: float32, (batch, height, width, 3), from 0 to 255.
        matrices: from `stain_matrices`.

    Returns:
        Of the same shape and range. White stays white.
    """
    densities = -ops.log((pixels + 1) / LEVELS)  # one level more: black has a density, too
    changed = ops.einsum("nhwc,ncd->nhwd", densities, matrices)
    return ops.clip(LEVELS * ops.exp(-changed) - 1, 0.0, 255.0)
