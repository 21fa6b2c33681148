"""`python -m training.reading SOURCE IMAGE FILE`: read a torch program or module, and write its graph.

The cost model starts this apart from itself: the user's code and torch stay in this process. Where it fails, its last
line says what is wrong; an error of the user's code leaves Python's traceback before it.
"""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import suppress

from costmodel.errors import BnncostError
from costmodel.importers.model.document import write_graph
from costmodel.importers.model.naming import ERROR_MARK, image_of


def main(source: str, image: str, file: str) -> int:
    """Write the graph; 0 where it was read."""
    try:
        from training.reading.sources import graph_of_source

        write_graph(graph_of_source(source, image_of(image) if image else None), file)
    except BnncostError as error:
        print(f"{ERROR_MARK}{error}", file=sys.stderr)
        return 2
    return 0


def _load() -> None:
    """Import torch and what reads with it: objects that stay, so that nobody need look for circles in them."""
    gc.disable()
    with suppress(BnncostError):  # main says so
        import training.reading.sources  # noqa: F401
    gc.freeze()
    gc.enable()
    atexit.register(gc.freeze)


if __name__ == "__main__":
    _load()
    sys.exit(main(*sys.argv[1:4]))
