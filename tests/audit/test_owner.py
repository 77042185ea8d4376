"""Which process is surely gone."""

import os
import subprocess
import sys

import pytest

from bot.audit.owner import Owner

ME = Owner("here", os.getpid(), "mine")


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        (str(ME), False),
        (f"here/{os.getpid()}/another", True),
        (f"here/{os.getppid()}/x", False),
        ("here/1/x", False),
        (f"elsewhere/{os.getpid()}/x", False),
        ("here/nonsense/x", False),
        ("here/99999999999999999999/x", False),
        ("", False),
        ("here", False),
    ],
)
def test_only_a_process_of_this_machine_can_be_known_to_be_gone(other: str, gone: bool) -> None:
    assert ME.knows_gone(other) is gone


def test_a_process_that_has_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert ME.knows_gone(f"here/{ended.pid}/x")


def test_this_process_is_named_by_its_host_number_and_a_nonce() -> None:
    host, pid, nonce = str(Owner()).split("/")
    assert host
    assert int(pid) == os.getpid()
    assert nonce != str(Owner()).split("/")[2]
