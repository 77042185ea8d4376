"""The settings' modal: what it shows comes back as it was, and what was changed is told from what wasn't."""

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
SETTINGS = st.builds(
    WorkspaceSettings,
    *(ALLOWED,) * 4,
    st.sampled_from(ApprovalPolicy),
    st.none() | ALLOWED,
    st.none() | st.sampled_from(["U012ABC", "S012ABC", "C012ABC", "https://help.example.com", "mailto:a@b.example"]),
    st.none() | IDS.map("C{}".format),
)


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
    assert WorkspaceSettings().with_decided(
        settings.written([*LISTS, "contact", "audit_channel"])
    ) == WorkspaceSettings(
        settings.get_allow,
        settings.delete_allow,
        settings.list_allow,
        settings.history_allow,
        delete_approvers=settings.delete_approvers,
        contact=settings.contact,
        audit_channel=settings.audit_channel,
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


def test_what_a_newer_version_stored_changes_nothing() -> None:
    assert WorkspaceSettings().with_decided({"of_a_newer_version": 1}) == WorkspaceSettings()
