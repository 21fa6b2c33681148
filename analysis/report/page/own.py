"""What is the user's own on the page: accuracies from files, those given with --add, and networks from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.accuracy.literature import LITERATURE
from analysis.accuracy.measurements import MEASURED
from analysis.fronts.added import Added, AddedModel, added_figures
from analysis.fronts.own_figures import overlay_of
from analysis.report.page.data import Space
from costmodel import DATASETS, BnncostError
from costmodel.designs.catalogue import OWN


def read_own(sources: Sequence[str], add: Sequence[str] = ()) -> Added:
    """Accuracies of one's own, each with the file that it is from, and networks from elsewhere with theirs.

    Raises BnncostError for sources that the page has anyway, and for networks that are called alike.
    """
    for source in sources:
        if source in (LITERATURE, MEASURED):
            raise BnncostError(
                f"--accuracy {source}: that is on the page in any case; name files of your own."
            )
    given = added_figures(add)
    labels = [one.label for one in given.models]
    for label in labels:
        if labels.count(label) > 1:
            raise BnncostError(
                f"--add: two networks are called '{label}'; give each a name of its own, as in MODEL=TOP1:NAME."
            )
    return Added((*overlay_of(sources).own, *given.records), given.models)


def own_spaces(models: Iterable[AddedModel], known: Sequence[Space]) -> list[Space]:
    """A space for each network from elsewhere: on the first known data set that it fits, else on one of its own.

    Raises BnncostError where a network there has its name already.
    """
    taken = {(space.network, space.dataset) for space in known}
    datasets = [DATASETS[name] for name in dict.fromkeys(one.dataset for one in known) if name in DATASETS]
    found = []
    for one in models:
        network = one.model.network
        image, classes = tuple(map(int, network.input.shape)), int(network.output.shape[0])
        fitting = next((shape.name for shape in datasets if shape.is_task_of(image, classes)), OWN)
        if (one.label, fitting) in taken:
            raise BnncostError(
                f"{one.name}: a network on {fitting} is called '{one.label}' already; name yours MODEL=TOP1:NAME."
            )
        found.append(Space(one.label, fitting, model=one))
    return found
