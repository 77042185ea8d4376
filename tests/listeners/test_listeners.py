"""Every listener is registered, and every operation can be typed."""

from importlib import import_module
from pkgutil import iter_modules

from bot import listeners
from bot.listeners import LISTENERS, retry
from bot.operation import Permission
from bot.slack.external_auth.models import TOKEN_REQUESTS

NAMES = [listener.subcommand.name for listener in LISTENERS]


def test_every_listener_of_the_package_is_in_the_tuple() -> None:
    modules = [import_module(f"bot.listeners.{module.name}") for module in iter_modules(listeners.__path__)]
    defined = [module.LISTENER.subcommand.name for module in modules if hasattr(module, "LISTENER")]
    assert sorted(NAMES) == sorted([*defined, "help"])


def test_every_permission_has_its_subcommand_and_help_is_last() -> None:
    # Deletions are approved where they are asked for, with buttons; settings are changed in the App Home; a token is
    # shown by an option of `get`.
    elsewhere = {Permission.APPROVE, Permission.SETTINGS, Permission.SHOW}
    assert {listener.subcommand.permission for listener in LISTENERS[:-1]} == {*Permission} - elsewhere
    assert NAMES[-1] == "help"


def test_every_request_with_a_form_can_be_edited() -> None:
    assert set(retry.EDITS) == {kind for kind in TOKEN_REQUESTS if kind.has_form}


def test_no_operation_has_two_kinds_of_requests() -> None:
    operations = [operation for kind in TOKEN_REQUESTS for operation in kind.operations]
    assert len(operations) == len({*operations})
