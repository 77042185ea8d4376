"""Settings: what is wrong is said in one line each, and no secret is ever in it."""

import os
import re
from pathlib import Path

import pytest

from bot.environment import UnreadableEnvFile, read_environment
from bot.settings import Settings, SettingsError, read, read_database, transport, warnings
from tests.forked import run

ROOT = Path(__file__).parents[1]
BOT, APP, SECRET = "xoxb-1234567890-abc", "xapp-1-A1-1234567890", "0123456789abcdef0123456789abcdef"
WELL = {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP, "EXTAUTH_SECRET_KEY": "k" * 32}


def mistakes(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read({**WELL, **variables}, "one")
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
        ({"EXTAUTH_SECRET_KEY": ""}, "EXTAUTH_SECRET_KEY is missing. To make one, run `extauth keys new`."),
        ({"SLACK_BOT_TOKEN": "xoxb-12345 67890-abc"}, "SLACK_BOT_TOKEN: is too short or has a space"),
        ({"SLACK_APP_TOKEN": "xapp-\u00e4\u00e4\u00e4\u00e4\u00e4"}, "SLACK_APP_TOKEN: is too short or has a space"),
        ({"SLACK_SIGNING_SECRET": "abc", "SLACK_APP_TOKEN": ""}, "SLACK_SIGNING_SECRET: is too short or has a space"),
        ({"SLACK_APP_TOKEN": ""}, "Set SLACK_APP_TOKEN to use Socket Mode, or SLACK_SIGNING_SECRET"),
        ({"SLACK_SIGNING_SECRET": SECRET}, "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set"),
        ({"DATABASE_URL": "postgresql://u:canary@canary@h/d"}, "DATABASE_URL: has more than one @"),
        ({"DATABASE_URL": "postgresql://u:can@ary:canary@h/d"}, "DATABASE_URL: must be an address such as"),
        (
            {"DATABASE_URL": "postgresql://u:p@h/d?sslmod=require"},
            "DATABASE_URL: has an option that PostgreSQL doesn't",
        ),
        ({"EXTAUTH_GET_ALLOW": "admins everyone"}, "EXTAUTH_GET_ALLOW: “everyone” isn't one of admins"),
        ({"EXTAUTH_DELETE_ALLOW": ","}, "EXTAUTH_DELETE_ALLOW: "),
        ({"SLACK_API_URL": "http://slack.example/api/"}, "SLACK_API_URL: must start with https://"),
        ({"EXTAUTH_APP_ID": "A012ABCDEF,google"}, "EXTAUTH_APP_ID: must be an app ID such as A012ABCDEF"),
        ({"SLACK_API_URL": "slack.com"}, "SLACK_API_URL: must be a URL"),
        ({"HTTPS_PROXY": "proxy:3128"}, "HTTPS_PROXY: must be a URL"),
        ({"EXTAUTH_SOCKET_CONNECTIONS": "11"}, "EXTAUTH_SOCKET_CONNECTIONS: must be a whole number from 1 to 10."),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "SSL_CERT_FILE: must be a file with the certificates of authorities"),
        ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE: must be a file with the certificates of authorities"),
        ({"PORT": "http"}, "PORT: must be a whole number from 0 to 65535."),
        ({"PORT": "70000"}, "PORT: must be a whole number from 0 to 65535."),
        ({"PORT": "9" * 5000}, "PORT: must be a whole number from 0 to 65535."),
        ({"EXTAUTH_HEALTH_PORT": "-1"}, "EXTAUTH_HEALTH_PORT: must be a whole number from 0 to 65535."),
        ({"EXTAUTH_DELETE_APPROVAL": "yes"}, "EXTAUTH_DELETE_APPROVAL: must be off, bulk or all."),
        ({"SLACK_API_URL": "https://[x"}, "SLACK_API_URL: must be a URL"),
        ({"HTTPS_PROXY": "http://[x"}, "HTTPS_PROXY: must be a URL"),
        ({"EXTAUTH_PUBLIC_URL": "https://[x"}, "EXTAUTH_PUBLIC_URL: must be a URL"),
        ({"SSL_CERT_FILE": "a\0b"}, "SSL_CERT_FILE: must be a file with"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR."),
        ({"EXTAUTH_SECRET_KEY": "a" * 31}, "EXTAUTH_SECRET_KEY: must have at least 32 characters"),
        ({"EXTAUTH_SECRET_KEY": "a" * 32 + ","}, "EXTAUTH_SECRET_KEY: each key must have at least 32 characters"),
        ({"EXTAUTH_PUBLIC_URL": "http://extauth.example"}, "EXTAUTH_PUBLIC_URL: must be a URL such as"),
        ({"EXTAUTH_PUBLIC_URL": "https://extauth.example/?a=b"}, "EXTAUTH_PUBLIC_URL: must be a URL such as"),
    ],
)
def test_each_mistake_has_its_line(variables: dict[str, str], line: str) -> None:
    assert [found.startswith(line) for found in mistakes(**variables)] == [True]


MANY = {
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": SECRET,
    "SLACK_SIGNING_SECRET": SECRET,
    "EXTAUTH_SECRET_KEY": "k" * 32,
    "EXTAUTH_PUBLIC_URL": "https://extauth.example/",
}


def test_workspaces_install_the_app_by_oauth() -> None:
    settings = read({**MANY, "EXTAUTH_GET_ALLOW": "members", "EXTAUTH_CONTACT": "https://help.example"})
    assert settings.serves_many
    assert settings.public_url == "https://extauth.example"
    assert not read(WELL).serves_many


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SLACK_CLIENT_ID": " "}, "SLACK_CLIENT_ID is missing: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go together"),
        ({"SLACK_CLIENT_SECRET": ""}, "SLACK_CLIENT_SECRET is missing: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go"),
        ({"SLACK_BOT_TOKEN": BOT}, "SLACK_BOT_TOKEN belongs to one workspace, but SLACK_CLIENT_ID serves many"),
        ({"EXTAUTH_API_TOKEN": BOT}, "EXTAUTH_API_TOKEN belongs to one workspace, but SLACK_CLIENT_ID serves many"),
        ({"EXTAUTH_SECRET_KEY": ""}, "EXTAUTH_SECRET_KEY is missing. To make one"),
        ({"EXTAUTH_PUBLIC_URL": ""}, "EXTAUTH_PUBLIC_URL is missing. SLACK_CLIENT_ID needs it"),
        ({"EXTAUTH_AUDIT_CHANNEL": "C012"}, "EXTAUTH_AUDIT_CHANNEL: has an ID of one workspace in it"),
        ({"EXTAUTH_GET_ALLOW": "admins U012"}, "EXTAUTH_GET_ALLOW: has an ID of one workspace in it"),
        ({"EXTAUTH_DELETE_APPROVERS": "S012"}, "EXTAUTH_DELETE_APPROVERS: has an ID of one workspace in it"),
        ({"EXTAUTH_CONTACT": "U012"}, "EXTAUTH_CONTACT: has an ID of one workspace in it"),
    ],
)
def test_what_cannot_go_with_oauth_has_its_line(variables: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({**MANY, **variables})
    assert [found.startswith(line) for found in caught.value.mistakes] == [True]


def test_all_mistakes_are_told_at_once_and_none_quotes_a_value() -> None:
    found = mistakes(
        SLACK_BOT_TOKEN="canary 1",
        SLACK_APP_TOKEN="canary 2",
        SLACK_SIGNING_SECRET="canary 3",
        EXTAUTH_API_TOKEN="canary",
        DATABASE_URL="postgresql://u:can@canary:canary@h/d",
        EXTAUTH_SECRET_KEY="canary",
        EXTAUTH_PUBLIC_URL="http://canary:canary@canary",
    )
    assert len(found) == 8
    assert "canary" not in "\n".join(found)


def test_a_form_that_slack_does_not_promise_only_warns() -> None:
    settings = read(
        {
            "SLACK_BOT_TOKEN": "canary-token-1",
            "SLACK_APP_TOKEN": "canary-token-2",
            "SLACK_SIGNING_SECRET": "canary-secret",
            "EXTAUTH_API_TOKEN": "canary-token-3",
            "EXTAUTH_SECRET_KEY": "k" * 32,
        }
    )
    told = warnings(settings)
    assert [line.split()[0] for line in told] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "EXTAUTH_API_TOKEN",
    ]
    assert "canary" not in "\n".join(told)
    usual = {"SLACK_SIGNING_SECRET": SECRET, "EXTAUTH_API_TOKEN": "xoxe.xoxp-1234567890"}
    assert warnings(read({**WELL, **usual})) == []


def test_defaults_and_forgiveness() -> None:
    settings = read({**WELL, "LOG_LEVEL": "debug", "SLACK_API_URL": "https://slack-gov.com/api", "PORT": " "})
    assert settings.api_url == "https://slack-gov.com/api/"
    assert settings.port == 3000
    assert settings.log_level == "DEBUG"
    assert settings.get_allow.roles == {"admins"}
    assert read({**WELL, "EXTAUTH_GET_ALLOW": " owners,U0AAAA  "}).get_allow.users == {"U0AAAA"}
    assert read({**WELL, "https_proxy": "http://p:1"}).proxy == "http://p:1"


@pytest.mark.parametrize(
    ("hosts", "is_used"),
    [
        ("slack.com", False),
        (".slack.com", False),
        ("localhost,127.0.0.1", True),
        ("*", False),
        ("hooks.slack.com", True),
    ],
)
def test_no_proxy_is_obeyed(hosts: str, is_used: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        settings = read({**WELL, "HTTPS_PROXY": "http://p:1", name: hosts})
        assert settings.proxy == ("http://p:1" if is_used else None)
    simulator = {"SLACK_API_URL": "http://localhost:4000/api/", "NO_PROXY": "localhost"}
    assert read({**WELL, "HTTPS_PROXY": "http://p:1", **simulator}).proxy is None


def test_a_setting_is_read_only_by_its_variable() -> None:
    settings = read({**WELL, "contact": "U012", "host": "elsewhere", "api_token": "xoxp-1234567890"})
    assert (settings.contact, settings.host, settings.api_token) == (None, "0.0.0.0", None)


def test_secrets_do_not_print() -> None:
    settings = read({**WELL, "SLACK_SIGNING_SECRET": SECRET, "EXTAUTH_API_TOKEN": "xoxp-1234567890"})
    for secret in (BOT, APP, SECRET, "xoxp-1234567890"):
        assert secret not in repr(settings)
        assert secret not in str(settings)


def test_the_settings_choose_the_transport() -> None:
    both = {**WELL, "SLACK_SIGNING_SECRET": SECRET}
    assert transport(read(WELL, "one"), None) == "socket"
    assert transport(read({**both, "SLACK_APP_TOKEN": ""}, "one"), None) == "http"
    assert transport(read(both, "http"), "http") == "http"
    assert transport(read(both, "socket"), "socket") == "socket"
    assert read(both, "some") == read(both)
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET is missing"):
        read(WELL, "http")


def test_missing_tokens_and_other_mistakes_are_told_together() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"EXTAUTH_GET_ALOW": "canary", "PORT": "x"}, "some")
    assert [line.split()[0].strip(":") for line in caught.value.mistakes] == [
        *("EXTAUTH_GET_ALOW", "SLACK_BOT_TOKEN", "Set", "EXTAUTH_SECRET_KEY", "PORT"),
    ]
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("EXTAUTH_GET_ALOW", "EXTAUTH_GET_ALOW isn't a setting. Did you mean EXTAUTH_GET_ALLOW?"),
        ("EXTAUTH_HELTH_PORT", "EXTAUTH_HELTH_PORT isn't a setting. Did you mean EXTAUTH_HEALTH_PORT?"),
        ("extauth_contact", "extauth_contact isn't a setting. Did you mean EXTAUTH_CONTACT?"),
        ("EXTAUTH_DATABASE_URL", "EXTAUTH_DATABASE_URL isn't a setting. Did you mean DATABASE_URL?"),
        ("EXTAUTH_X", "EXTAUTH_X isn't a setting. docs/settings.md lists them all."),
    ],
)
def test_a_misspelled_setting_stops_the_start_and_its_value_is_not_told(name: str, line: str) -> None:
    assert [found.startswith(line) for found in mistakes(**{name: "8080"})] == [True]
    assert read({**WELL, name: " "}) == read(WELL), "what is empty isn't set"
    with pytest.raises(SettingsError, match=line.split(".", maxsplit=1)[0]):
        read_database({"EXTAUTH_SECRET_KEY": "k" * 32, name: "canary"})


def test_what_kubernetes_and_docker_set_for_a_service_of_this_name_is_no_misspelling() -> None:
    port = "tcp://10.0.0.11:3000"
    injected = {
        **{"EXTAUTH_SERVICE_HOST": "10.0.0.11", "EXTAUTH_SERVICE_PORT": "3000", "EXTAUTH_SERVICE_PORT_HTTP": "3000"},
        **{"EXTAUTH_PORT": port, "EXTAUTH_PORT_3000_TCP": port, "EXTAUTH_PORT_3000_TCP_PROTO": "tcp"},
        **{"EXTAUTH_PORT_3000_TCP_PORT": "3000", "EXTAUTH_PORT_3000_TCP_ADDR": "10.0.0.11"},
        **{"EXTAUTH_NAME": "/bot/extauth", "EXTAUTH_ENV_PATH": "/usr/bin", "EXTAUTH_DB_ENV_PGDATA": "/data"},
        **{"EXTAUTH_WEB_SERVICE_HOST": "10.0.0.12", "EXTAUTH_WEB_PORT": port, "EXTAUTH_WEB_PORT_80_TCP_ADDR": "::1"},
    }
    assert read({**WELL, **injected}) == read(WELL)


@pytest.mark.parametrize("name", ["extauth", "/Extauth", "/ext auth", "/" + "a" * 32, "/"])
def test_a_name_that_slack_gives_no_command_has_its_line(name: str) -> None:
    assert [line.startswith("EXTAUTH_COMMAND: must be a slash and") for line in mistakes(EXTAUTH_COMMAND=name)] == [
        True
    ]


def test_dotenv_fills_in_what_the_environment_does_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        f"SLACK_BOT_TOKEN={BOT}\nEXTAUTH_SECRET_KEY={'k' * 32}\nPORT=1234\nLOG_LEVEL=ERROR\n"
    )
    for name in [name for name in os.environ if name.startswith("SLACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORT", "4321")
    settings = read(read_environment(tmp_path))
    assert settings.port == 4321
    assert settings.log_level == "ERROR"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_that_windows_wrote_is_read(encoding: str, tmp_path: Path) -> None:
    bom = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / ".env").write_bytes(f"{bom}EXTAUTH_CONTACT=U012ABCDEF\r\nLOG_LEVEL=ERROR\r\n".encode(encoding))
    assert read_environment(tmp_path)["EXTAUTH_CONTACT"] == "U012ABCDEF"


@pytest.mark.parametrize("content", [b"SLACK_BOT_TOKEN=canary\xff", "A=canary".encode("utf-16-le"), b"\0canary"])
def test_a_file_in_another_encoding_has_one_line_without_its_content(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(UnreadableEnvFile) as caught:
        read_environment(tmp_path)
    assert str(caught.value) == f"{tmp_path}/.env isn't text in UTF-8. Save it again as UTF-8."


def test_a_folder_in_the_place_of_the_file_has_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(UnreadableEnvFile, match="can't be read: Is a directory"):
        read_environment(tmp_path)


@pytest.mark.parametrize("command", [[], ["socket"], ["http"], ["check"]])
def test_bad_settings_stop_the_start_with_status_2(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "EXTAUTH_"))}
    environment["EXTAUTH_SECRET_KEY"] = "k" * 32
    ran = run(command, {**environment, "SLACK_BOT_TOKEN": "nonsense canary", "PORT": "x"})
    assert ran.returncode == 2
    missing = {"socket": "SLACK_APP_TOKEN is missing", "http": "SLACK_SIGNING_SECRET is missing"}
    lines = [line.removeprefix("extauth: ") for line in ran.stderr.splitlines()]
    assert lines[0].startswith(missing.get("".join(command), "Set SLACK_APP_TOKEN to use Socket Mode, or"))
    assert [line.split(":")[0] for line in lines[1:]] == ["SLACK_BOT_TOKEN", "PORT"]
    assert "canary" not in ran.stderr + ran.stdout


def test_every_setting_stands_in_the_docs_and_in_env_example() -> None:
    table, example = (ROOT / "docs" / "settings.md").read_text(), (ROOT / ".env.example").read_text()
    for field in Settings.model_fields.values():
        assert f"`{field.alias}` | {field.description}" in table, field.alias
        assert re.search(rf"^#? ?{field.alias}=", example, re.MULTILINE), field.alias


@pytest.mark.parametrize(("written", "seconds"), [("1h", 3600), ("90m", 5400), ("24H", 86400), ("7d", 604800)])
def test_the_time_between_tests_is_read(written: str, seconds: int) -> None:
    assert read({**WELL, "EXTAUTH_TEST_EVERY": written}).test_every == seconds
    assert read(WELL).test_every is None


@pytest.mark.parametrize("written", ["24", "59m", "0d", "-1h", "1.5h", "daily", "1h 30m", "999999d", "٣d", "1w"])
def test_an_invalid_time_between_tests_is_one_clear_line(written: str) -> None:
    assert mistakes(EXTAUTH_TEST_EVERY=written) == [
        "EXTAUTH_TEST_EVERY: must be a number with m, h, or d (minutes, hours, or days), such as 24h, and at least 1h."
    ]
