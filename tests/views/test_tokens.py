"""Where access is revoked, by what an app's developer called the provider."""

import pytest

from bot.views.tokens import revoke_page


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("google", "Google"),
        ("google_calendar", "Google"),
        ("My-GitHub2", "GitHub"),
        ("salesforce", "Salesforce"),
        ("microsoft", "Microsoft"),
        ("jira", "Atlassian"),
        ("atlassian", "Atlassian"),
        ("notion", "Notion"),
        ("dropbox", "Dropbox"),
        ("zoom.us", "Zoom"),
        ("hubspot", "HubSpot"),
        ("box", "Box"),
    ],
)
def test_a_known_provider_has_its_page(key: str, name: str) -> None:
    page = revoke_page(key)
    assert page is not None
    assert page[0] == name
    assert page[1].startswith("https://")


@pytest.mark.parametrize("key", ["mailbox", "zoominfo", "my-own-idp", "1", "-"])
def test_an_unknown_one_has_none(key: str) -> None:
    assert revoke_page(key) is None
