"""Docstrings and comments read at once: they begin as they should, and have none of the phrases that don't."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

# Texts that click shows to people, which docs/words.md and the tests of the command line hold.
SHOWN = {"cli/audit.py: Check that nobody altered, added, moved, or removed entries."}
BOT = Path(__file__).parents[1] / "bot"
FILES = sorted(path.relative_to(BOT).as_posix() for path in BOT.rglob("*.py"))
PHRASES = re.compile(
    r"\b(whoever|whatever|wherever|(?:some|any|no|every)body(?:'s)?|on record|by itself|"
    r"the bot(?:'s)?(?! (?:token|scope|user))|lately|meanwhile|(?:goes|gets) on|hears of|of ours|not either)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"(?:Whether|What|Where|Which|Who|Whom|How|Why|When)\b")
RETURNS_A_QUESTION = re.compile(r"(?:Return|Read|Say|Tell|Give|Find) (?:what|where|which|who|whom|how|why)\b")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Every docstring, and every text under a constant, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value.strip()


def comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("file", FILES)
def test_the_prose_of_a_file_is_plain(file: str) -> None:
    source = (BOT / file).read_text(encoding="utf-8")
    found = [
        f"{line}: {text[:80]!r}"
        for line, text in docstrings(source)
        if f"{file}: {text.splitlines()[0]}" not in SHOWN
        if PHRASES.search(text) or QUESTION.match(text) or RETURNS_A_QUESTION.match(text)
    ]
    found += [f"{line}: {text[:80]!r}" for line, text in comments(source) if PHRASES.search(text)]
    assert not found, "\n".join(found)
