"""Nodes are visited after what they need, groups in one piece, and nothing waits that could run here."""

from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.pipeline import Node, Pipeline

from mayo_kedro.errors import UserError
from mayo_kedro.runners.grouping import group_nodes
from mayo_kedro.runners.order import OrderedPipeline, can_start, order_nodes


def pass_on(*values):
    return values[0] if values else 0


def make_node(number, inputs, remote):
    return Node(
        pass_on,
        inputs=[f"data_{other}" for other in inputs] or None,
        outputs=f"data_{number}",
        name=f"node_{number}",
        tags=["gpu"] if remote else None,
    )


@st.composite
def pipelines(draw):
    nodes = []
    for number in range(draw(st.integers(1, 9))):
        inputs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        nodes.append(make_node(number, sorted(inputs), draw(st.booleans())))
    return Pipeline(nodes)


@given(pipelines())
@settings(max_examples=200, deadline=None)
def test_every_node_comes_after_those_it_needs_and_groups_stay_together(pipeline):
    try:
        groups = group_nodes(pipeline, ["gpu"])
    except UserError:
        return
    order = order_nodes(pipeline, groups)
    assert sorted(order, key=str) == sorted(pipeline.nodes, key=str)
    for node, needed in pipeline.node_dependencies.items():
        assert all(order.index(other) < order.index(node) for other in needed)
    for group in groups:
        first = order.index(group.nodes[0])
        assert tuple(order[first : first + len(group.nodes)]) == group.nodes
        assert can_start(group, pipeline, set(order[:first]))


def test_what_waits_for_no_job_is_done_before_the_first_job():
    train = make_node(0, [], remote=True)
    report = make_node(1, [0], remote=False)
    unrelated = make_node(2, [], remote=False)
    pipeline = Pipeline([train, report, unrelated])
    order = order_nodes(pipeline, group_nodes(pipeline, ["gpu"]))
    assert [node.name for node in order] == ["node_2", "node_0", "node_1"]
    assert OrderedPipeline(order).nodes == order
    assert OrderedPipeline(order).outputs() == pipeline.outputs()


def test_a_group_can_start_only_when_its_inputs_are_made():
    first, second = make_node(0, [], remote=False), make_node(1, [0], remote=True)
    pipeline = Pipeline([first, second])
    (group,) = group_nodes(pipeline, ["gpu"])
    assert not can_start(group, pipeline, set())
    assert can_start(group, pipeline, {first})
