"""In which order the nodes of a run with jobs are visited."""

from collections.abc import Iterator, Mapping, Sequence

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mayo_kedro.runners.grouping import NodeGroup


class OrderedPipeline(Pipeline):
    """A pipeline whose nodes are visited in the given order.

    Args:
        nodes: each after those that it depends on.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__(list(nodes))
        self._in_order = list(nodes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes in the given order."""
        return list(self._in_order)


def order_nodes(pipeline: Pipeline, groups: Sequence[NodeGroup]) -> list[Node]:
    """Put the nodes in an order that keeps groups together, and that does here all it can before it waits.

    Args:
        pipeline: what runs.
        groups: the nodes that run elsewhere, each group as one job.

    Returns:
        All nodes: first those of here that wait for no job, then the first group, and so on.
    """
    needed = pipeline.node_dependencies
    units = [[node] for node in pipeline.nodes if not any(node in group.nodes for group in groups)]
    return list(_visit([*units, *(list(group.nodes) for group in groups)], needed))


def _visit(units: list[list[Node]], needed: Mapping[Node, set[Node]]) -> Iterator[Node]:
    done: set[Node] = set()
    while units:
        ready = next(unit for unit in units if _outer(unit, needed) <= done)
        units.remove(ready)
        done.update(ready)
        yield from ready


def _outer(unit: list[Node], needed: Mapping[Node, set[Node]]) -> set[Node]:
    return set().union(*(needed[node] for node in unit)) - set(unit)


def can_start(group: NodeGroup, pipeline: Pipeline, done: set[Node]) -> bool:
    """Whether all that a group reads has been made.

    Args:
        group: nodes that run elsewhere.
        pipeline: what runs.
        done: the nodes that have run.
    """
    return _outer(list(group.nodes), pipeline.node_dependencies) <= done
