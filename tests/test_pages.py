"""The code of README and docs runs, page by page, and prints what the pages show."""

import doctest
import json
import re
from io import StringIO

import pytest

from cases.pages import PAGES, README, ROOT, WITH_CODE, blocks_of, is_missing
from cases.problems import SHARED

# A published network that some pages read, where it is beside this checkout.
ACAS = SHARED / "networks/acasxu_1_1/ACASXU_run2a_1_1_batch_2000.nnet"


# Where the port of Dask's dashboard is in use it says so, takes another, and leaves a socket open.
@pytest.mark.filterwarnings(r"ignore:\s*Port .* is already in use:UserWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if ACAS.exists():
        (tmp_path / ACAS.name).symlink_to(ACAS)
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if page == README:  # of which each block is pasted alone
            names = {"__name__": "__main__"}
        if is_missing(block):
            continue
        if block["kind"] == "python":
            exec(compile(block["code"], str(page), "exec"), names)
        else:
            run_session(block["code"], names, page)


def run_session(code, names, page):
    test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
    report = StringIO()
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=options).run(test, out=report.write, clear_globs=False)
    names.update(test.globs)
    assert result.failed == 0, report.getvalue()


def test_every_page_of_code_is_found():
    assert ROOT / "README.md" in WITH_CODE


def test_the_tests_that_pages_name_exist():
    named = {
        name for page in PAGES for name in re.findall(r"`(tests/[^`]*)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_papers_page_says_what_was_measured():
    page = (ROOT / "docs/paper.md").read_text(encoding="utf-8")
    row = json.loads((ROOT / "benchmarks/results/inputs.json").read_text())["rows"][-1]
    assert f"{row['inputs']:,} inputs is then traced in {row['ratio after the fold']:.2f} times" in page
    atlas = row["on the plane"]
    assert f"| {atlas['cells']:,} cells and {atlas['evaluations']:,} points |" in page


def test_the_page_about_costs_says_how_many_cells_were_counted():
    page = (ROOT / "docs/explanation/cost.md").read_text(encoding="utf-8")
    shapes = json.loads((ROOT / "benchmarks/results/sizes.json").read_text())["shapes"]["16 wide"]
    first, last = (sorted(network["cells"] for network in shapes[k]["networks"]) for k in (0, -1))
    assert "take {:,}, {:,} and {:,} cells".format(*last) in page
    assert f"one layer {first[0]} to {first[-1]}." in page


# A link to another place of this project: its text may be an image.
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
LINKING = [page for page in [*ROOT.glob("*.md"), *PAGES] if LINK.search(page.read_text(encoding="utf-8"))]


def anchors_of(page):
    """The anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted(set(LINKING)), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page):
    for link in LINK.finditer(
        re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    ):
        target = (page.parent / link["file"]).resolve() if link["file"] else page
        assert target.exists(), link[0]
        assert link["anchor"] is None or link["anchor"] in anchors_of(target), link[0]
