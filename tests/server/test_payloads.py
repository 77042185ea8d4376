"""What is said of a malformed payload is ours, and none of its own words."""

import pytest

from bot.server.payloads import MalformedPayload, parse_payload

VIEW = {"id": "V1", "type": "modal"}
WHO = {"user": {"id": "U1"}, "trigger_id": "1.2"}


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ([], "the payload is not an object"),
        ({}, "type: union_tag_not_found"),
        ({"type": ["s3cret"]}, "type: union_tag_invalid"),
        ({"command": "/extauth"}, "user_id: missing"),
        (
            {"type": "view_submission", "view": {**VIEW, "state": {"values": {"s3cret": {"s3cret": 1}}}}, **WHO},
            "view_submission.view.state.values: dict_type",
        ),
        (
            {"type": "block_actions", "actions": [{"action_id": "a"}, {"s3cret": 1}], **WHO},
            "block_actions.actions.action_id: missing",
        ),
        ({"type": "block_suggestion", "value": "s3cret", **WHO}, "block_suggestion.action_id: missing"),
        (
            {"type": "block_suggestion", "action_id": "a", "value": 7, **WHO},
            "block_suggestion.value: string_type",
        ),
        ({"type": "block_actions", "actions": [{"action_id": "a"}], **WHO}, "response_url: missing"),
    ],
)
def test_a_reason_names_a_field_and_holds_nothing_of_the_payload(payload: object, says: str) -> None:
    with pytest.raises(MalformedPayload) as caught:
        parse_payload(payload)
    assert str(caught.value) == says


def test_of_what_is_typed_into_a_list_only_the_text_and_its_field_are_kept() -> None:
    payload = {"type": "block_suggestion", "action_id": "a", "block_id": "b", "value": "v", "view": {}, **WHO}
    assert parse_payload(payload) == {"type": "block_suggestion", "action_id": "a", "value": "v", **WHO}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1_518_467_820, "api_app_id": "A1"},
        {"type": "message_action", "callback_id": "c", **WHO},
        {"type": "view_submission", "view": {"id": "V1", "type": "workflow_step"}, **WHO},
        {"type": "event_callback", "event": {"type": "team_join", "user": {"id": "U1"}}},
        {"type": "event_callback", "event": {"type": "team_access_revoked", "team_ids": ["T1"]}},
    ],
)
def test_a_kind_of_payload_that_no_screen_of_extauth_causes_is_ignored(payload: object) -> None:
    assert parse_payload(payload) is None


@pytest.mark.parametrize(
    "view", [VIEW, {**VIEW, "state": None}, {**VIEW, "state": {}}, {**VIEW, "state": {"values": {}}}]
)
def test_a_view_without_values_is_an_empty_form(view: object) -> None:
    parsed = parse_payload({"type": "view_submission", "view": view, **WHO})
    assert parsed is not None
    assert parsed["view"]["state"] == {"values": {}}


@pytest.mark.parametrize("app_id", ["", "not an ID", 7, None, ["A1"], "A1"])
def test_an_app_id_that_is_none_is_left_out(app_id: object) -> None:
    parsed = parse_payload({"type": "view_submission", "view": VIEW, "api_app_id": app_id, **WHO})
    assert parsed is not None
    assert parsed.get("api_app_id") == ("A1" if app_id == "A1" else None)
