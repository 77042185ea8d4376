"""What the documents say about the tree is true."""

import re

import pytest

from tests.bot_process import ROOT

DOCUMENTS = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
]
FILE = ROOT / "tests" / "test_docs.py"
CITATION = re.compile(r"`(?P<file>tests/[\w/]+\.py)?(?:::(?P<test>\w+))?`")


def test_every_test_that_security_cites_exists() -> None:
    file, cited = "", 0
    for match in CITATION.finditer((ROOT / "SECURITY.md").read_text()):
        file = match["file"] or file
        if not file:
            continue  # the sentence that explains how tests are cited
        if match["file"] or match["test"]:
            assert (ROOT / file).is_file(), file
            cited += 1
        if match["test"]:
            assert f"def {match['test']}(" in (ROOT / file).read_text(), f"{file}::{match['test']}"
    assert cited > 50


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"(?:\]\(|src(?:set)?=\")(?!https?:|#)([^)#\"]+)", text):
        assert ((ROOT / document).parent / target).exists(), target


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", (ROOT / document).read_text(), re.MULTILINE))
    assert named <= targets


def test_every_name_that_a_contributor_is_told_exists() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    steps = page[page.index("## Add an explanation") : page.index("## Quality")]
    code = "\n".join(
        path.read_text() for folder in ("bot", "tests") for path in (ROOT / folder).rglob("*.py") if path != FILE
    )
    named = {name.rstrip("()") for name in re.findall(r"`([A-Za-z_]\w*(?:\(\))?)`", steps)}
    missing = {name for name in named if not re.search(rf"\b{name}\b", code)}
    assert len(named) > 20
    assert not missing


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110
