"""The page as one file: data, script and the library that draws inside it; and the data read back from it.

Nothing in the data can become part of the page's text: it is packed, and the script writes it as text alone. A policy
in the page lets it run the scripts that it holds and load nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

from analysis.show.safe import visible_values
from costmodel import BnncostError
from costmodel.output import LARGEST_JSON, parse_json, read_text, write_whole

INDEX = "index.html"
SCRIPTS = (
    "echarts.min.js", "pricing.js", "words.js", "state.js", "parts.js", "rows.js", "side.js", "chart.js", "table.js",
    "detail.js", "methods.js", "explorer.js",
)  # fmt: skip
"""The library that draws, and what is the page's own, a file for each view, in their order."""
_DATA = re.compile(
    r'<script type="application/gzip" id="data" data-seal="([0-9a-f]{32})">([A-Za-z0-9+/=\s]*)</script>'
)
_END = re.compile(r"</(?=script|style)", re.IGNORECASE)


def page_html(data: Mapping[str, Any]) -> str:
    """The whole page around its data."""
    scripts = {name: _asset(name) for name in SCRIPTS}
    for name, text in scripts.items():
        if _END.search(text):
            raise BnncostError(
                f"analysis/assets/{name} ends a script inside itself; it cannot be part of a page."
            )
    text = packed(data)
    filled = {
        "@STYLE@": _asset("explorer.css"),
        "@SCRIPTS@": "\n".join(f"<script>{text}</script>" for text in scripts.values()),
        "@DATA@": text,
        "@SEAL@": seal_of(text),
        "@POLICY@": policy(*scripts.values()),
    }
    parts = re.split("(@[A-Z]+@)", _asset("explorer.html"))
    return "".join(filled.get(part, part) for part in parts)


def policy(*scripts: str) -> str:
    """The content security policy of the page: its own scripts by their digests, and nothing from elsewhere.

    A page that a server made may ask that server.
    """
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def packed(data: Mapping[str, Any]) -> str:
    """Data as the page holds it: JSON, gzip, base64. The same data give the same text.

    >>> unpacked(packed({"name": "</script>"}))
    {'name': '</script>'}
    """
    text = json.dumps(visible_values(data), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def seal_of(text: str) -> str:
    """A digest of packed data: what was changed in a page, and not by `page_html`, is priced again."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def unpacked(text: str) -> dict[str, Any]:
    """The data again; raises ValueError, OSError, EOFError or zlib.error where there is none, or too much."""
    with gzip.open(BytesIO(base64.b64decode(text))) as stream:
        content = stream.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise ValueError(f"more than {LARGEST_JSON} bytes")
    data = parse_json(content)
    if not isinstance(data, dict):
        raise ValueError("no names and values")
    return data


def write_page(out: Path, data: Mapping[str, Any]) -> Path:
    """Write the page into a folder."""
    return write_whole(out / INDEX, page_html(data))


def read_page(out: Path) -> dict[str, Any]:
    """The data of the page in a folder; nothing where there is no page, or none as it was written."""
    try:
        found = _DATA.search(read_text(out / INDEX))
        return unpacked(found[2]) if found and found[1] == seal_of(found[2]) else {}
    except (OSError, ValueError, EOFError, zlib.error):
        return {}


def _asset(name: str) -> str:
    return resources.files("analysis").joinpath("assets", name).read_text("utf-8")
