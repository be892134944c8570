"""Which nodes become one job, and which can't."""

from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.pipeline import Node, Pipeline

from mayo_kedro.errors import UserError
from mayo_kedro.runners.grouping import group_nodes

TAG = "gpu"


def work(*values):
    return values


def node(name, inputs, outputs, tagged=True):
    return Node(work, inputs or None, outputs or None, name=name, tags=[TAG] if tagged else [])


def names(groups):
    return [[member.name for member in group.nodes] for group in groups]


def test_connected_nodes_are_one_group_and_independent_ones_are_two():
    pipeline = Pipeline(
        [
            node("a", ["x"], ["y"]),
            node("b", ["y"], ["z"]),
            node("c", ["x"], ["w"]),
            node("d", ["z", "w"], ["v"], tagged=False),
        ]
    )
    groups = group_nodes(pipeline, [TAG])
    assert sorted(names(groups)) == [["a", "b"], ["c"]]
    first = next(group for group in groups if len(group.nodes) == 2)
    assert (first.name, first.inputs, first.outputs) == ("a and 1 more", ("x",), ("z",))


def test_nodes_with_an_untagged_one_between_them_are_two_groups_in_order():
    pipeline = Pipeline(
        [node("a", ["x"], ["y"]), node("b", ["y"], ["z"], tagged=False), node("c", ["z"], ["w"])]
    )
    assert names(group_nodes(pipeline, [TAG])) == [["a"], ["c"]]


def test_nodes_that_only_read_the_same_are_independent():
    pipeline = Pipeline([node("a", ["x", "params:p"], ["y"]), node("b", ["x", "params:p"], ["z"])])
    assert names(group_nodes(pipeline, [TAG])) == [["a"], ["b"]]


def test_a_group_that_would_wait_for_itself_is_refused_with_the_names():
    pipeline = Pipeline(
        [
            node("first", ["x"], ["y", "w"]),
            node("between", ["y"], ["z"], tagged=False),
            node("last", ["w", "z"], ["v"]),
        ]
    )
    with pytest.raises(UserError) as refused:
        group_nodes(pipeline, [TAG])
    assert "first and last" in refused.value.what
    assert "between" in refused.value.what
    assert "between" in refused.value.remedy


def test_two_groups_that_wait_for_one_another_are_refused():
    pipeline = Pipeline(
        [
            node("a1", ["x"], ["a", "to_b"]),
            node("b1", ["x"], ["b", "to_a"]),
            node("l1", ["to_b"], ["from_a"], tagged=False),
            node("l2", ["to_a"], ["from_b"], tagged=False),
            node("a2", ["a", "from_b"], ["a_end"]),
            node("b2", ["b", "from_a"], ["b_end"]),
        ]
    )
    with pytest.raises(UserError, match="a1 and a2; b1 and b2"):
        group_nodes(pipeline, [TAG])


def test_each_tag_has_jobs_of_its_own_and_the_first_of_two_counts():
    pipeline = Pipeline(
        [
            Node(lambda _: 1, "x", "a", name="cut", tags=["cpu"]),
            Node(lambda _: 1, "a", "b", name="train", tags=["gpu", "cpu"]),
            Node(lambda _: 1, "b", "c", name="tune", tags=["gpu"]),
        ]
    )
    groups = group_nodes(pipeline, ["gpu", "cpu"])
    assert [(group.name, group.tag) for group in groups] == [("cut", "cpu"), ("train and 1 more", "gpu")]


def test_jobs_of_two_tags_that_wait_for_one_another_are_refused():
    def tagged(name, inputs, outputs, tag):
        return Node(lambda *_: (1,) * len(outputs), inputs, outputs, name=name, tags=[tag])

    pipeline = Pipeline(
        [
            tagged("a1", ["x"], ["a", "to_b"], "gpu"),
            tagged("a2", ["a", "from_b"], ["a_end"], "gpu"),
            tagged("b2", ["x"], ["from_b", "b"], "cpu"),
            tagged("b1", ["to_b", "b"], ["b_end"], "cpu"),
        ]
    )
    with pytest.raises(UserError, match="one another: each needs something that the other makes") as refused:
        group_nodes(pipeline, ["gpu", "cpu"])
    assert "gpu, cpu" in refused.value.remedy


def test_what_is_made_and_read_inside_only_is_an_output_if_the_catalog_keeps_it():
    pipeline = Pipeline([node("a", ["x"], ["inner", "kept"]), node("b", ["inner", "kept"], ["end"])])
    assert group_nodes(pipeline, [TAG])[0].outputs == ("end",)
    assert group_nodes(pipeline, [TAG], declared={"kept"})[0].outputs == ("end", "kept")


def test_what_is_read_inside_and_outside_is_an_output():
    pipeline = Pipeline(
        [node("a", ["x"], ["y"]), node("b", ["y"], ["z"]), node("c", ["y"], ["w"], tagged=False)]
    )
    assert group_nodes(pipeline, [TAG])[0].outputs == ("y", "z")


def test_a_dataset_read_in_another_form_connects_and_leaves_too():
    pipeline = Pipeline(
        [
            node("a", ["x"], ["y@pandas"]),
            node("b", ["y@arrow"], ["z"]),
            node("c", ["y@other"], ["w"], tagged=False),
        ]
    )
    (group,) = group_nodes(pipeline, [TAG])
    assert [member.name for member in group.nodes] == ["a", "b"]
    assert (group.inputs, group.outputs) == (("x",), ("y@pandas", "z"))


def test_a_pipeline_without_the_tag_has_no_groups():
    assert group_nodes(Pipeline([node("a", ["x"], ["y"], tagged=False)]), [TAG]) == []


@st.composite
def pipelines(draw):
    count = draw(st.integers(1, 9))
    made = []
    for index in range(count):
        earlier = st.lists(st.sampled_from(range(index)), unique=True, max_size=3) if index else st.just([])
        inputs = [f"d{number}" for number in draw(earlier)] or ["start"]
        made.append(node(f"n{index}", inputs, [f"d{index}"], tagged=draw(st.booleans())))
    return Pipeline(made)


@given(pipelines())
def test_every_tagged_node_is_in_one_group_and_the_jobs_have_an_order_or_are_refused(pipeline):
    tagged = [member.name for member in pipeline.nodes if TAG in member.tags]
    try:
        groups = group_nodes(pipeline, [TAG])
    except UserError:
        assert is_cyclic_when_contracted(pipeline)
        return
    assert sorted(name for group in names(groups) for name in group) == sorted(tagged)
    place = {member: index for index, group in enumerate(groups) for member in group.nodes}
    graph = {}
    for member, needed in pipeline.node_dependencies.items():
        here = place.get(member, member.name)
        there = {place.get(other, other.name) for other in needed} - {here}
        graph.setdefault(here, set()).update(there)
    TopologicalSorter(graph).prepare()
    for group in groups:
        assert not any(reaches(pipeline, member, group.nodes) for member in between(pipeline, group.nodes))
        readers = {name for other in pipeline.nodes if other not in group.nodes for name in other.inputs}
        made = {name for member in group.nodes for name in member.outputs}
        assert set(group.outputs) == made & (readers | pipeline.outputs())


def below(pipeline, start):
    """All nodes that need one of these, however indirectly."""
    found = set()
    while True:
        known = set(start) | found
        more = {member for member, needed in pipeline.node_dependencies.items() if needed & known} - found
        if not more:
            return found
        found |= more


def between(pipeline, nodes):
    return below(pipeline, nodes) - set(nodes)


def reaches(pipeline, member, nodes):
    return bool(below(pipeline, [member]) & set(nodes))


def is_cyclic_when_contracted(pipeline):
    """Whether merging directly connected tagged nodes gives a graph without an order."""
    label = {member: member.name for member in pipeline.nodes}
    edges = [(member, other) for member, needed in pipeline.node_dependencies.items() for other in needed]
    for _ in label:
        for member, other in edges:
            if TAG in member.tags and TAG in other.tags:
                label[member] = label[other] = min(label[member], label[other])
    graph = {name: set() for name in label.values()}
    for member, other in edges:
        graph[label[member]] |= {label[other]} - {label[member]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False
