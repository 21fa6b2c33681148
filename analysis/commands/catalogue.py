"""The commands `bnncost methods`, `networks` and `designs`."""

from __future__ import annotations

from analysis.commands.options import Form, Out
from analysis.show.document import deliver


def methods_command(form: Form = None, out: Out = None) -> None:
    """List the repair methods by branch and category."""
    from analysis.catalogue.methods import methods_document

    deliver(methods_document(), form, out)


def networks_command(form: Form = None, out: Out = None) -> None:
    """List the networks with their shape and size."""
    from analysis.catalogue.networks import networks_document

    deliver(networks_document(), form, out)


def designs_command(form: Form = None, out: Out = None) -> None:
    """List the published designs as compositions of methods."""
    from analysis.catalogue.designs import designs_document

    deliver(designs_document(), form, out)
