"""Our own way from Block Kit objects to JSON, held to slack_sdk's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextListElement,
    RichTextSectionElement,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.slack.block_kit import as_json
from tests import words


def test_every_screen_comes_out_as_slack_sdk_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[View] = []

    def to_dict(view: View) -> dict[str, Any]:
        views.append(view)
        return JsonObject.to_dict(view)

    monkeypatch.setattr(View, "to_dict", to_dict)
    words.document()
    monkeypatch.undo()
    assert len(views) > 100
    for view in views:
        assert as_json(view) == view.to_dict()


TEXTS = st.text(min_size=1, max_size=20)
STYLES = st.builds(RichTextElementParts.TextStyle, bold=st.none() | st.booleans(), code=st.none() | st.booleans())
PLAIN = st.builds(PlainTextObject, text=TEXTS, emoji=st.none() | st.booleans())
RICH = st.builds(RichTextElementParts.Text, text=st.text(max_size=5), style=st.none() | STYLES)
SECTIONS = st.builds(RichTextSectionElement, elements=st.lists(RICH, max_size=3))
LISTS = st.builds(RichTextListElement, style=st.just("bullet"), elements=st.lists(SECTIONS, max_size=2))
OPTIONS = st.builds(Option, value=TEXTS, label=TEXTS, description=st.none() | TEXTS)
CONFIRMS = st.builds(ConfirmObject, title=TEXTS, text=TEXTS, confirm=TEXTS, deny=TEXTS)
BUTTONS = st.builds(ButtonElement, text=TEXTS, action_id=TEXTS, value=st.none() | TEXTS, confirm=st.none() | CONFIRMS)
BLOCKS = st.one_of(
    st.builds(HeaderBlock, text=PLAIN),
    st.builds(SectionBlock, text=st.builds(MarkdownTextObject, text=TEXTS, verbatim=st.none() | st.booleans())),
    st.builds(ContextBlock, elements=st.lists(PLAIN, min_size=1, max_size=3)),
    st.builds(ActionsBlock, elements=st.lists(BUTTONS, min_size=1, max_size=3), block_id=st.none() | TEXTS),
    st.builds(RichTextBlock, elements=st.lists(SECTIONS | LISTS, max_size=3)),
    st.builds(InputBlock, label=PLAIN, element=st.builds(PlainTextInputElement, action_id=TEXTS)),
    st.builds(
        SectionBlock,
        text=TEXTS,
        accessory=st.builds(StaticSelectElement, action_id=TEXTS, options=st.lists(OPTIONS, min_size=1, max_size=3)),
    ),
)


@given(BLOCKS)
def test_any_block_comes_out_as_slack_sdk_writes_it(block: Any) -> None:
    assert as_json(block) == block.to_dict()


@pytest.mark.parametrize(
    "block",
    [
        SectionBlock(text=MarkdownTextObject(text="x" * 3001)),
        ActionsBlock(elements=[ButtonElement(text="x", action_id="x" * 256)]),
        InputBlock(label="x" * 2001, element=PlainTextInputElement(action_id="x")),
        View(type="modal", title="x" * 25, blocks=[]),
    ],
)
def test_what_slack_would_not_take_is_not_sent(block: JsonObject) -> None:
    with pytest.raises(SlackObjectFormationError) as expected:
        block.to_dict()
    with pytest.raises(SlackObjectFormationError) as raised:
        as_json(block)
    assert str(raised.value) == str(expected.value)
