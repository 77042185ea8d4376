"""A token of any known format is refused by every field of every form that takes an ID."""

from collections.abc import Callable

import pytest
from hypothesis import given

from bot.views import delete_form as delete
from bot.views import fields, get_form, menu, test_form
from tests.submissions import submission
from tests.test_ids import EACH_FORMAT, TOKENS

FORMS: dict[str, tuple[Callable[[fields.SubmittedView], object], tuple[str, ...]]] = {
    "get": (get_form.parse, (fields.TOKEN_ID,)),
    "delete": (delete.parse_form, (fields.TOKEN_ID, fields.PROVIDER_KEY, fields.APP_ID)),
    "menu": (menu.parse, (fields.TOKEN_ID,)),
    "test": (test_form.parse, (fields.TOKEN_ID, fields.PROVIDER_KEY)),
}


def filled(name: str, value: str) -> fields.SubmittedView:
    return submission({name: {name: {"type": "plain_text_input", "value": value}}})


@pytest.mark.parametrize("kind", TOKENS)
def test_every_field_refuses_every_format_and_does_not_repeat_it(kind: str) -> None:
    @EACH_FORMAT
    @given(TOKENS[kind].filter(lambda token: len({*token.split()[-1]}) > 8))
    def paste(token: str) -> None:
        for form, (parse, names) in FORMS.items():
            for name in names:
                errors = parse(filled(name, token))
                assert isinstance(errors, dict), (form, name)
                assert "This looks like a" in errors[name]
                assert "revoke it" in errors[name]
                assert token.rsplit(maxsplit=1)[-1] not in str(errors)

    paste()
