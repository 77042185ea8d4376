"""Which process is surely gone."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.audit.owner import Owner, of_process, this_process
from tests.bot_process import ROOT

ME = Owner("here", os.getpid(), "mine")


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ("here/ME/mine", False),
        ("here/ME/another", True),
        ("here/PARENT/x", False),
        ("here/1/x", False),
        ("elsewhere/ME/x", False),
        ("here/nonsense/x", False),
        ("here/99999999999999999999/x", False),
        ("", False),
        ("here", False),
    ],
)
def test_only_a_process_of_this_machine_can_be_known_to_be_gone(other: str, gone: bool) -> None:
    named = other.replace("ME", str(os.getpid())).replace("PARENT", str(os.getppid()))
    assert ME.knows_gone(named) is gone


def test_a_fork_of_this_process_is_named_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = this_process()
    monkeypatch.setattr("os.getpid", lambda: ours.pid + 1)
    assert this_process().pid == ours.pid + 1
    assert this_process().nonce != ours.nonce


def test_a_process_that_has_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert ME.knows_gone(f"here/{ended.pid}/x")


def test_this_process_is_named_by_its_machine_its_number_and_a_nonce() -> None:
    machine, pid, nonce = str(this_process()).split("/")
    assert (len(machine), int(pid), len(nonce)) == (32, os.getpid(), 16)
    assert this_process() is this_process()


def test_another_process_of_this_machine_has_its_machine_but_not_its_nonce() -> None:
    code = "from bot.audit.owner import this_process; print(this_process())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    machine, _, nonce = ran.stdout.strip().split("/")
    assert machine == this_process().machine
    assert nonce != this_process().nonce
    assert this_process().knows_gone(ran.stdout.strip())


@pytest.mark.parametrize("differs", ["boot", "namespace"])
def test_a_container_that_counts_its_own_processes_is_another_machine(
    differs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = this_process()
    of_process.cache_clear()
    with monkeypatch.context() as patched:
        if differs == "boot":
            patched.setattr("bot.audit.owner.Path.read_text", lambda *_, **__: "another boot")
        else:
            patched.setattr("os.readlink", lambda _: "pid:[1]")
        other = this_process()
    of_process.cache_clear()
    assert other.machine != ours.machine
    assert not ours.knows_gone(str(other))


def test_a_machine_is_named_by_its_boot_and_its_count_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    namespace = os.readlink("/proc/self/ns/pid")
    expected = hashlib.sha256(f"{boot}/{namespace}".encode()).hexdigest()[:32]
    assert this_process().machine == expected


def test_where_that_cannot_be_told_it_is_named_by_its_host_and_card(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise OSError

    of_process.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr("os.readlink", refuse)
        patched.setattr("socket.gethostname", lambda: "here")
        patched.setattr("uuid.getnode", lambda: 7)
        machine = this_process().machine
    of_process.cache_clear()
    assert machine == hashlib.sha256(b"here/7").hexdigest()[:32]
