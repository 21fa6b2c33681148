"""`make fuzz MINUTES=5`: every reader is fed with bent files; what fails is written down, small, to become a test."""

from __future__ import annotations

import argparse
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from tools.fuzz.loop import fuzz
from tools.fuzz.readers_costs import READERS as OF_COSTS
from tools.fuzz.readers_data import READERS as OF_DATA
from tools.fuzz.readers_designs import READERS as OF_DESIGNS
from tools.fuzz.readers_models import READERS as OF_MODELS
from tools.fuzz.readers_records import READERS as OF_RECORDS
from tools.fuzz.readers_stopped import READERS as OF_STOPPED
from tools.fuzz.readers_texts import READERS as OF_TEXTS

READERS = {
    reader.name: reader
    for reader in (*OF_COSTS, *OF_DATA, *OF_DESIGNS, *OF_MODELS, *OF_RECORDS, *OF_STOPPED, *OF_TEXTS)
}


def main() -> int:
    """Feed the readers that are asked for, and say how many inputs each got and what failed."""
    asked = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    asked.add_argument("--minutes", type=float, default=5)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS), metavar="READER")
    asked.add_argument("--most", type=int, help="inputs of each reader at the most")
    asked.add_argument("--out", type=Path, help="folder for what failed; default: a new one")
    given = asked.parse_args()
    tallies, failures = fuzz(
        [READERS[name] for name in given.readers], given.minutes * 60, given.seed, given.most
    )
    for name, tally in tallies.items():
        kinds = ", ".join(f"{kind} ({times})" for kind, times in tally.kinds.items())
        print(
            f"{name:14}{tally.inputs:8} inputs,{tally.accepted:8} accepted, slowest {tally.slowest_s:5.2f} s  {kinds}"
        )
    print(
        f"{'all':14}{sum(tally.inputs for tally in tallies.values()):8} inputs, {len(failures)} kinds of failures"
    )
    if failures:
        out = given.out or Path(tempfile.mkdtemp(prefix="bnncost-fuzz-failures-"))
        out.mkdir(parents=True, exist_ok=True)
        for failure in failures:
            stem = f"{failure.reader}-{sha256(failure.content).hexdigest()[:8]}"
            path = out / f"{stem}{READERS[failure.reader].suffix}"
            path.write_bytes(failure.content)
            (out / f"{stem}.told").write_text(f"{failure.kind}\n{failure.told}", "utf-8")
            print(f"{failure.kind}: {path}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
