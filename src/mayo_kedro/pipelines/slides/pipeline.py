"""The cutting of slides as a Kedro pipeline; it runs by its own name only."""

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.slides.nodes import (
    cut_slides,
    describe_slides,
    label_images,
    plan_shards,
    tabulate_slides,
)

CLUSTER = "cpu"
"""All of it is one job: its images go to the repository from where they are made."""

ONCE = "first_machine"
"""Of several machines that work together only the first runs these; all of them cut."""


def create_pipeline(**_: object) -> Pipeline:
    """From slides to images in the repository, and the tables of where they come from and of their labels."""
    return Pipeline(
        [
            Node(
                cut_slides,
                inputs=["slides", "finished_slides", "published_slides", "slide_workers", "params:slides"],
                outputs="slide_images",
                name="cut_slides_node",
                tags=[CLUSTER],
            ),
            Node(
                plan_shards,
                inputs=["slide_images", "published_slides", "params:slides"],
                outputs="image_shards",
                name="plan_shards_node",
                tags=[CLUSTER, ONCE],
            ),
            Node(
                tabulate_slides,
                inputs=["slide_images", "published_slides", "slides", "image_shards"],
                outputs="slide_table",
                name="tabulate_slides_node",
                tags=[CLUSTER, ONCE],
            ),
            Node(
                label_images,
                inputs=["slide_table", "slide_labels", "params:columns"],
                outputs="image_labels",
                name="label_images_node",
                tags=[CLUSTER, ONCE],
            ),
            Node(
                describe_slides,
                inputs=["slide_table", "image_labels", "slide_images", "params:slides"],
                outputs="slide_publication",
                name="describe_slides_node",
                tags=[CLUSTER, ONCE],
            ),
        ]
    )
