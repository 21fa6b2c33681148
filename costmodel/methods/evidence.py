"""What each repair method was checked against: the code that its authors, or others, released.

The files `evidence_training` and `evidence_topology` hold the records. Where there is nothing to check a method
against, its record says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import BnncostError
from costmodel.methods.released import Code


@dataclass(frozen=True)
class MethodEvidence:
    """One method beside released code: what is equal, and a sentence for each difference that stays.

    Without `code` nothing was compared, and `difference` says why. `by_others` says that the code is not of the
    authors of the paper that the method names.
    """

    method: str
    code: Code | None
    file: str
    equal: str
    difference: str = ""
    by_others: bool = False


METHOD_EVIDENCE: dict[str, MethodEvidence] = {}


def held_against(
    code: Code, file: str, method: str, equal: str, difference: str = "", *, by_others: bool = False
) -> None:
    """Record the code that a method was checked against; a second record of a method raises."""
    _record(MethodEvidence(method, code, file, equal, difference, by_others))


def not_checked(method: str, reason: str) -> None:
    """Record why a method was not checked against code; a second record of a method raises."""
    _record(MethodEvidence(method, None, "", "", reason))


def evidence_of(method: str) -> MethodEvidence:
    """Give the record of a method; a method of one's own, which has none, is not checked."""
    return METHOD_EVIDENCE.get(method) or MethodEvidence(method, None, "", "", "No code is recorded.")


def _record(evidence: MethodEvidence) -> None:
    if evidence.method in METHOD_EVIDENCE:
        raise BnncostError(f"the evidence for the method '{evidence.method}' is given twice.")
    METHOD_EVIDENCE[evidence.method] = evidence
