"""Where people revoke an app's access, at the providers that many apps connect."""

import re

_PAGES = {
    ("google", "gmail", "gdrive", "gcal"): ("Google", "https://myaccount.google.com/connections"),
    ("github",): ("GitHub", "https://github.com/settings/applications"),
    ("salesforce", "sfdc"): (
        "Salesforce",
        "https://help.salesforce.com/s/articleView?id=platform.remoteaccess_request_approve.htm&type=5",
    ),
    ("microsoft", "azure", "office", "outlook", "sharepoint", "onedrive"): (
        "Microsoft",
        "https://myapps.microsoft.com/",
    ),
    ("atlassian", "jira", "confluence", "trello"): ("Atlassian", "https://id.atlassian.com/manage-profile/apps"),
    ("notion",): ("Notion", "https://www.notion.com/help/add-and-manage-connections-with-the-api"),
    ("dropbox",): ("Dropbox", "https://www.dropbox.com/account/connected_apps"),
    ("zoom",): ("Zoom", "https://marketplace.zoom.us/user/installed"),
    ("hubspot",): ("HubSpot", "https://knowledge.hubspot.com/integrations/manage-connected-apps"),
    ("box",): ("Box", "https://app.box.com/account/security"),
}
"""The words of a provider key that tell whose it is, and that provider's name and page."""
NAMES = tuple(name for names in _PAGES for name in names)
"""Words that are likely to be a provider's key."""


def revoke_page(provider_key: str) -> tuple[str, str] | None:
    """Return a provider's name and page; None for an unknown key, which an app's developer is free to choose."""
    words = {*re.findall(r"[a-z]+", provider_key.lower())}
    return next((page for names, page in _PAGES.items() if words & {*names}), None)
