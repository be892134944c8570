"""Which nodes go away together: directly connected nodes with the same tag become one job."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.pipeline.transcoding import _strip_transcoding  # what Kedro's own pipelines compare names by

from mayo_kedro.errors import UserError


@dataclass(frozen=True)
class NodeGroup:
    """Nodes that run in one job.

    Attributes:
        name: of the first node, and how many there are more.
        nodes: in the order in which they run.
        inputs: sorted names of the datasets and parameters that are read but not made by the group.
        outputs: sorted names of the datasets that somebody needs after the group has run.
        tag: that the nodes share.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tag: str


def group_nodes(pipeline: Pipeline, tags: Sequence[str], declared: Container[str] = ()) -> list[NodeGroup]:
    """Gather the tagged nodes that hand data to one another.

    Args:
        pipeline: all that runs.
        tags: what marks the nodes that go away, such as ["gpu"]; of several that a node has the first counts.
        declared: names of datasets that the catalog keeps; they are outputs of a group even where
            nobody else in the pipeline reads them.

    Returns:
        The groups in the order of their first nodes; nodes that are not connected directly are in groups
        of their own, and so can run at the same time.

    Raises:
        UserError: a group would wait for itself: a node that is not in it needs one of its nodes and is
            needed by another.
    """
    owners = {node: tag for tag in reversed(tags) for node in pipeline.nodes if tag in node.tags}
    groups = [
        group
        for tag in tags
        for group in _connect(
            [node for node in pipeline.nodes if owners.get(node) == tag], pipeline.node_dependencies
        )
    ]
    _require_order(groups, pipeline, tags)
    groups.sort(key=lambda group: pipeline.nodes.index(group[0]))
    return [_describe(nodes, pipeline, declared, owners[nodes[0]]) for nodes in groups]


def _connect(tagged: list[Node], dependencies: Mapping[Node, set[Node]]) -> list[list[Node]]:
    """Merge, node by node, the groups that a node takes data from."""
    groups: list[list[Node]] = []
    for node in tagged:
        before = [group for group in groups if dependencies[node] & set(group)]
        groups = [group for group in groups if group not in before]
        groups.append([*(member for group in before for member in group), node])
    ordered = [sorted(group, key=tagged.index) for group in groups]
    return sorted(ordered, key=lambda group: tagged.index(group[0]))


def _require_order(groups: list[list[Node]], pipeline: Pipeline, tags: Sequence[str]) -> None:
    owner = {node: group[0] for group in groups for node in group}
    graph: dict[Node, set[Node]] = {}
    for node, needed in pipeline.node_dependencies.items():
        place = owner.get(node, node)
        graph.setdefault(place, set()).update({owner.get(other, other) for other in needed} - {place})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise _explain_cycle(error.args[1], groups, tags) from None


def _explain_cycle(cycle: list[Node], groups: list[list[Node]], tags: Sequence[str]) -> UserError:
    members = {group[0]: group for group in groups}
    jobs = [" and ".join(node.name for node in members[node]) for node in cycle[1:] if node in members]
    between = [node.name for node in cycle[1:] if node not in members]
    waiting = f"The nodes that form a job ({'; '.join(sorted(jobs))}) would have to wait for"
    if not between:
        return UserError(
            f"{waiting} one another: each needs something that the other makes.",
            f"Give their nodes the same one of the tags {', '.join(tags)}, or take it from some of them.",
        )
    names = sorted(between)
    return UserError(
        f"{waiting} themselves: {', '.join(names)}, without their tag, needs some of them and is needed by"
        " others.",
        f"Give {' and '.join(names)} the tag too ({', '.join(tags)}), or take it from the nodes on one side.",
    )


def _describe(nodes: list[Node], pipeline: Pipeline, declared: Container[str], tag: str) -> NodeGroup:
    outside = [node for node in pipeline.nodes if node not in nodes]
    wanted = {_strip_transcoding(name) for node in outside for name in node.inputs}
    wanted |= {_strip_transcoding(name) for name in pipeline.outputs()}
    made = {name for node in nodes for name in node.outputs}
    more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return NodeGroup(
        name=nodes[0].name + more,
        nodes=tuple(nodes),
        inputs=tuple(sorted(Pipeline(nodes).inputs())),
        outputs=tuple(sorted(n for n in made if _strip_transcoding(n) in wanted or n in declared)),
        tag=tag,
    )
