"""The network: an EfficientNet backbone under a new head, saved with Keras' own layers only."""

import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

import keras
import numpy as np

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.interfaces import BackboneWeights
from mayo_kedro.pipelines.modelling.lite import WIDTH_AND_DEPTH, build_lite
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters

# Mean and standard deviation of ImageNet's pixels, from 0 to 1 (torchvision's and Keras' figures).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

WRONG_FILE_ERRORS = (ValueError, OSError, KeyError, TypeError, AttributeError, RuntimeError, BadZipFile)


def build_network(
    parameters: ModellingParameters, class_count: int, weights: BackboneWeights | None = None
) -> keras.Model:
    """Build the network that is trained, saved and used to predict.

    With weights the backbone's batch normalisation keeps the statistics it came with, in training
    too; without, the backbone starts at random and normalises by batch.

    Args:
        parameters: settings; the backbone, the image size and the dropout count here.
        class_count: classes to tell apart.
        weights: pretrained weights of the backbone without its top, or None.

    Returns:
        A model from images (batch, size, size, 3), uint8, to probabilities (batch, class_count), float32.

    Raises:
        UserError: the weights are not those of the backbone.
    """
    backbone = build_backbone(parameters.backbone, parameters.image_size)
    if weights is not None:
        load_backbone_weights(backbone, weights, parameters.backbone)
    images = keras.Input((parameters.image_size, parameters.image_size, 3), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1.0, dtype="float32", name="pixels")(images)
    features = backbone(pixels) if weights is None else backbone(pixels, training=False)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    dropped = keras.layers.Dropout(parameters.dropout, name="dropout")(pooled)
    head = keras.layers.Dense(class_count, activation="softmax", dtype="float32", name="probabilities")
    return keras.Model(images, head(dropped), name="classifier")


def build_backbone(name: str, image_size: int) -> keras.Model:
    """Build a headless EfficientNet called "backbone" for float images from 0 to 255, with random weights."""
    if name in WIDTH_AND_DEPTH:
        return build_lite(name, image_size)
    build = getattr(keras.applications, name)
    headless = build(include_top=False, weights=None, input_shape=(image_size, image_size, 3))
    return keras.Model(headless.input, headless.output, name="backbone")


def load_backbone_weights(backbone: keras.Model, weights: BackboneWeights, backbone_name: str) -> None:
    """Load a file into the backbone: `.h5` of any kind, `.weights.h5` or `.keras`.

    Raises:
        UserError: the file is damaged or belongs to another network.
    """
    path = weights.path
    kernels = [weight for weight in backbone.trainable_weights if weight.name == "kernel"]
    before = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
    try:
        _load(backbone, path, weights.name)
    except WRONG_FILE_ERRORS as error:
        raise _wrong_weights(weights.name, backbone_name, str(error)) from error
    if any(np.array_equal(old, kernel) for old, kernel in zip(before, kernels, strict=True)):
        raise _wrong_weights(weights.name, backbone_name, "some layers are not in the file")
    correct_normalization(backbone)


def _load(backbone: keras.Model, path: Path, name: str) -> None:
    """Load under the repository's file name, by whose suffix Keras tells the formats apart."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras warns once a layer where it finds nothing for it; the caller looks at the outcome.
        warnings.simplefilter("ignore", UserWarning)
        link = Path(folder) / Path(name).name
        link.symlink_to(path.absolute())
        backbone.load_weights(link)


def _wrong_weights(file_name: str, backbone_name: str, reason: str) -> UserError:
    first_sentence = reason.splitlines()[0].split(". ")[0][:160] if reason else "no reason given"
    return UserError(
        f"{file_name} does not hold the weights of {backbone_name} without its top ({first_sentence}).",
        "Set modelling.backbone to the network of that file, or modelling.weights to a file of this network.",
    )


def correct_normalization(backbone: keras.Model) -> None:
    """Make the official weights of EfficientNet B0 to B7 see the inputs they were trained with.

    Their files hold the standard deviation where Keras expects the variance. keras.applications
    mends that with a layer that it adds for `weights="imagenet"` but not for a path
    (github.com/tensorflow/tensorflow/issues/49930 and 62193), where features are silently wrong.
    """
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_variance is None:
            variance = keras.ops.convert_to_numpy(layer.adapt_variance)
            if np.allclose(variance, IMAGENET_DEVIATION, atol=1e-4):
                layer.adapt_variance.assign(variance**2)
                layer.finalize_state()


def freeze_backbone(network: keras.Model) -> None:
    """Leave only the head trainable."""
    network.get_layer("backbone").trainable = False


def unfreeze_stages(network: keras.Model, count: int | str) -> None:
    """Make the last stages of the backbone trainable, but not their batch normalisation.

    Args:
        network: made by `build_network`.
        count: how many stages, the last one with the top convolution; "all" for the whole backbone.
    """
    backbone = network.get_layer("backbone")
    last = max(_stage(layer.name) for layer in backbone.layers)
    first = 0 if count == "all" else last - int(count) + 1
    backbone.trainable = True
    for layer in backbone.layers:
        stage = last if layer.name.startswith("top_") else _stage(layer.name)
        layer.trainable = stage >= first and not isinstance(layer, keras.layers.BatchNormalization)


def _stage(layer_name: str) -> int:
    """Number of the stage in a layer's name, such as 2 in block2a_expand_conv; else 0."""
    block = re.match(r"block(\d+)", layer_name)
    return int(block.group(1)) if block else 0
