"""The fenced blocks of code of README and docs."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
# A fenced block, with what a comment before it says that it needs: modules, or files of the reader.
BLOCK = re.compile(
    r"(?:<!-- needs: (?P<needs>[^>]*?) -->\n)?^```(?P<kind>python|pycon)\n(?P<code>.*?)^```$", re.M | re.S
)


def blocks_of(page):
    """The blocks of a page, in order: matches with the groups needs, kind and code."""
    return list(BLOCK.finditer(page.read_text(encoding="utf-8")))


def is_missing(block):
    """Whether a block needs a module or a file that is not here."""
    return any(not _is_here(need) for need in (block["needs"] or "").split())


def _is_here(need):
    return Path(need).exists() if "." in need else importlib.util.find_spec(need) is not None


WITH_CODE = [page for page in PAGES if blocks_of(page)]
