"""The cutting of slides as a Kedro pipeline; it runs by its own name only."""

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.slides.nodes import cut_slides, describe_slides, tabulate_slides


def create_pipeline(**_: object) -> Pipeline:
    """From slides to images in the repository, and the table of where they come from."""
    return Pipeline(
        [
            Node(
                cut_slides,
                inputs=["slides", "finished_slides", "slide_workers", "params:slides"],
                outputs="slide_images",
                name="cut_slides_node",
            ),
            Node(
                tabulate_slides,
                inputs="slide_images",
                outputs="slide_table",
                name="tabulate_slides_node",
            ),
            Node(
                describe_slides,
                inputs=["slide_table", "params:slides"],
                outputs="slide_publication",
                name="describe_slides_node",
            ),
        ]
    )
