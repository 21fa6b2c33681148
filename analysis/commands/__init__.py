"""One module per group of commands: each gathers what to show, as a `Document`."""
