"""The settings' modal: what it shows comes back as it was, and what was changed is told from what wasn't."""

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import AllowList, ApprovalPolicy
from bot.sandbox.slack import views
from bot.sandbox.slack.block_kit import view_complaints
from bot.views.metadata import UnreadableMetadata
from bot.views.settings_form import ShownSettings, SubmittedSettings, as_shown, build, fingerprints, parse
from bot.workspaces.settings import LISTS, WorkspaceSettings
from tests.submissions import submission

IDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=3, max_size=11)
ROLES = st.frozensets(st.sampled_from(["admins", "owners", "members"]))
ALLOWED = st.builds(
    AllowList, ROLES, st.frozensets(IDS.map("U{}".format), max_size=5), st.frozensets(IDS.map("S{}".format), max_size=5)
)
SETTINGS = st.fixed_dictionaries(
    {
        **dict.fromkeys(LISTS[:-1], ALLOWED),
        "delete_approvers": st.none() | ALLOWED,
        "delete_approval": st.sampled_from(ApprovalPolicy),
        "contact": st.none()
        | st.sampled_from(["U012ABC", "S012ABC", "C012ABC", "https://help.example.com", "mailto:a@b.example"]),
        "audit_channel": st.none() | IDS.map("C{}".format),
    }
).map(WorkspaceSettings.model_validate)


def shown(settings: WorkspaceSettings) -> dict[str, Any]:
    return dict(build(settings, ShownSettings(1, fingerprints(settings)), has_token=True))


def submitted(view: dict[str, Any]) -> Any:
    return {block: {name: views.initial(element)} for block, name, element in views.inputs(view)}


@given(SETTINGS)
def test_what_nobody_touched_comes_back_as_it_was(settings: WorkspaceSettings) -> None:
    view = shown(settings)
    assert view_complaints(view) == []
    result = parse(submission(submitted(view), view["private_metadata"]))
    if isinstance(result, dict):
        assert set(result) == {"delete_approval"}, "there's nobody to ask"
        return
    approvers = settings.delete_approvers
    if approvers is None or approvers.roles or approvers.users or approvers.groups:
        assert result.settings == as_shown(settings)
        assert result.changed == frozenset()


@given(SETTINGS)
def test_the_longest_lists_fit_slack_s_limits_and_are_stored_as_they_are(settings: WorkspaceSettings) -> None:
    names = {*LISTS, "contact", "audit_channel"}
    stored = json.loads(json.dumps(settings.written(names)))
    assert WorkspaceSettings().with_decided(stored) == settings.model_copy(
        update={"delete_approval": ApprovalPolicy.OFF}
    )


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"version":"1","seen":{}}', '{"version":1,"seen":[]}'])
def test_metadata_that_is_not_ours_cannot_be_read(text: str) -> None:
    with pytest.raises(UnreadableMetadata):
        ShownSettings.read(text)


def test_a_token_is_told_from_one_to_be_removed_and_never_printed() -> None:
    view = shown(WorkspaceSettings())
    values = submitted(view)
    metadata = view["private_metadata"]
    values["api_token"]["api_token"]["value"] = "xoxp-canary-1234"
    entered = parse(submission(values, metadata))
    assert isinstance(entered, SubmittedSettings)
    assert entered.changed == {"api_token"}
    assert "canary" not in repr(entered)
    values["remove_api_token"]["remove_api_token"]["selected_options"] = [{"value": "yes"}]
    assert parse(submission(values, metadata)) == {
        "remove_api_token": "Enter a token or remove the one that is set, not both."
    }


@pytest.mark.parametrize("decided", [{"get_allow": 1}, {"get_allow": {"roles": []}}, {"delete_approval": "odd"}])
def test_stored_settings_of_another_form_are_an_error(decided: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"a setting|valid ApprovalPolicy"):
        WorkspaceSettings().with_decided(decided)


def test_settings_of_an_earlier_version_are_read_and_their_token_stays_hidden() -> None:
    stored = {
        "get_allow": {"roles": ["admins"], "users": ["U012ABC"], "groups": []},
        "delete_approval": "bulk",
        "delete_approvers": None,
        "contact": "mailto:a@b.example",
        "api_token": "xoxp-canary-1234",
    }
    settings = WorkspaceSettings().with_decided(stored)
    assert settings.get_allow == AllowList(frozenset({"admins"}), frozenset({"U012ABC"}))
    assert settings.delete_approval is ApprovalPolicy.BULK
    assert settings.written(stored) == stored
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_stored_token_that_is_invalid_is_not_quoted() -> None:
    stored = {"api_token": "xoxp canary"}
    with pytest.raises(ValueError, match="a setting can't be read: api_token") as caught:
        WorkspaceSettings().with_decided(stored)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_what_a_newer_version_stored_changes_nothing() -> None:
    assert WorkspaceSettings().with_decided({"of_a_newer_version": 1}) == WorkspaceSettings()
