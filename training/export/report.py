"""The results of an export, in lines for people."""

from __future__ import annotations

from training.export.checking import Agreement
from training.export.run import Exported, ExportReport


def export_outcome(report: ExportReport) -> str:
    """Say how the exported network agrees with the trained one, and what each precision of features costs.

    Lines: the design, bits and classes that agree, one line per precision, and notes on what was left out.
    """
    lines = [f"{report.design}, exported:"]
    if report.torch_sums is not None:
        lines.append(f"  integer thresholds beside torch: {_agreement(report.torch_sums)}")
    if report.numpy_sums is not None:
        lines.append(f"  numpy alone beside torch:        {_agreement(report.numpy_sums)}")
    lines.append("  features   top-1      class as torch's   parameters stored")
    lines += [_precision(item) for item in report.precisions]
    if report.onnx_same is not None:
        images = report.precisions[0].images
        lines.append(f"  ONNX: {report.onnx_same} of {images} classes as torch's")
    lines += [f"  {note}" for note in report.notes]
    return "\n".join(lines)


def _agreement(agreement: Agreement) -> str:
    return (
        f"{agreement.differing} of {agreement.bits:,} bits of feature maps differ, "
        f"{agreement.same} of {agreement.images} classes are the same"
    )


def _precision(item: Exported) -> str:
    share = f"{item.same} of {item.images}"
    return f"  {item.features:<9}  {item.top1:6.2f} %   {share:<17}  {item.stored_bits / 8192:.1f} KiB"
