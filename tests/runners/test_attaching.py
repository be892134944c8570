"""Which nodes still have to run where an earlier process has ended."""

from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro_datasets.json import JSONDataset

from mayo_kedro.runners.attaching import list_unfinished


def pass_on(*values):
    return values[0] if values else 0


def make_node(number, inputs):
    return Node(
        pass_on,
        inputs=[f"data_{other}" for other in inputs] or None,
        outputs=f"data_{number}",
        name=f"node_{number}",
    )


@st.composite
def draw_run(draw):
    """A pipeline, the numbers of what its catalog keeps, and how many of its nodes were done."""
    count = draw(st.integers(1, 7))
    inputs = [draw(st.sets(st.integers(0, number - 1))) if number else set() for number in range(count)]
    kept = draw(st.sets(st.integers(0, count - 1)))
    pipeline = Pipeline([make_node(number, sorted(inputs[number])) for number in range(count)])
    return pipeline, kept, draw(st.integers(0, count - 1))


@settings(max_examples=100, deadline=None)
@given(draw_run())
def test_what_is_left_can_run_from_what_was_kept_and_repeats_no_more_than_that_takes(run):
    pipeline, kept, done = run
    catalog = DataCatalog({f"data_{number}": JSONDataset(filepath=f"data/{number}.json") for number in kept})
    remaining = {node.name for node in pipeline.nodes[done:]}
    names = list_unfinished(pipeline, remaining, catalog)
    assert remaining <= set(names)
    assert names == [node.name for node in pipeline.nodes if node.name in names]
    left = pipeline.only_nodes(*names)
    kept_names = {f"data_{number}" for number in kept}
    assert left.inputs() <= kept_names
    for name in set(names) - remaining:
        (made,) = pipeline.only_nodes(name).outputs()
        assert made not in kept_names
        assert made in left.all_inputs()


def test_what_the_catalog_declares_in_memory_is_made_again():
    pipeline = Pipeline([make_node(0, []), make_node(1, [0]), make_node(2, [1])])
    catalog = DataCatalog({"data_0": MemoryDataset(), "data_1": JSONDataset(filepath="data/1.json")})
    assert list_unfinished(pipeline, {"node_1", "node_2"}, catalog) == ["node_0", "node_1", "node_2"]
    assert list_unfinished(pipeline, {"node_2"}, catalog) == ["node_2"]
