"""One job of the report: what is asked for of a network, a data set and a profile."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.show.safe import file_stem


@dataclass(frozen=True)
class Job:
    """What is computed and drawn together; `source` is the name or path of the profile called `profile_name`.

    `tables` and `figures` say which files are asked for, `ranges` adds what the ends of the profile's ranges give.
    """

    network: str
    dataset: str
    source: str
    profile_name: str
    tables: bool = True
    figures: bool = True
    ranges: bool = False

    @property
    def folder(self) -> str:
        """Where its files go, below the output folder."""
        return f"{file_stem(self.network, self.dataset)}/{file_stem(self.profile_name)}"
