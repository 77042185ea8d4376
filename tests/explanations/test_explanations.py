"""Each code has words of its own."""

import json
from pathlib import Path

import pytest

from bot.explanations import Asked, explain, known_codes
from bot.external_auth import errors

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "external-auth.json").read_text())
GROUPS = [
    FACTS["methods"]["apps.auth.external.get"]["errors"],
    FACTS["methods"]["apps.auth.external.delete"]["errors"],
    FACTS["common_errors"],
    FACTS["external_auth_log_errors"],
]
SLACKS = sorted({code for group in GROUPS for code in group if not code.startswith("_")})
OURS = [value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)]
UNKNOWN = explain("surely_nobody_knows_this", Asked.GET)


@pytest.mark.parametrize("code", [*SLACKS, *OURS])
@pytest.mark.parametrize("asked", Asked)
def test_every_code_is_explained_whatever_was_asked(code: str, asked: Asked) -> None:
    explanation = explain(code, asked)
    # A get is never answered with a delete's codes; should it be, the general explanation is the honest one.
    if code in {"token_not_found"} or explanation is not UNKNOWN:
        assert explanation is not UNKNOWN
    assert code in known_codes()
    for text in (explanation.title, explanation.happened, explanation.to_do):
        assert text
        assert code not in text.split()
    assert len(explanation.title) <= 75


def test_no_two_codes_share_an_explanation() -> None:
    titles: dict[str, str] = {}
    for code in known_codes():
        for asked in Asked:
            title = explain(code, asked).title
            assert titles.setdefault(title, code) == code or explain(code, asked) is UNKNOWN


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("token_not_found", Asked.GET, Asked.DELETE_ONE),
        ("invalid_auth", Asked.GET, Asked.DELETE_ONE),
        ("no_refresh_token", Asked.GET, Asked.REFRESH),
        ("timeout", Asked.GET, Asked.DELETE_MANY),
    ],
)
def test_where_it_matters_the_explanation_depends_on_what_was_asked(code: str, one: Asked, other: Asked) -> None:
    assert explain(code, one) != explain(code, other)


def test_what_the_operator_can_mend_names_the_setting() -> None:
    for code in ("not_allowed_token_type", "method_not_supported"):
        assert "EXTAUTH_API_TOKEN" in explain(code, Asked.GET).to_do
    assert "may not delete" in explain("invalid_auth", Asked.DELETE_ONE).title
    assert "offline access" in explain("no_refresh_token", Asked.REFRESH).to_do
