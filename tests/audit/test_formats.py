"""What is hashed and signed keeps its form: a log written today is verified by the versions to come."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.audit.checkpoint import BadCheckpoint, Checkpoint, utc
from bot.audit.head import Head, Root, chain_hash, chained, is_authentic
from bot.audit.keys import AuditKey, is_equal

KEY = AuditKey(b"k" * 32)
HEAD = Head("T1", 2, "0123456789abcdef", 1, 5, "ab" * 32, 3, 2, "cd" * 32, 1)
CHECKPOINT = Checkpoint("0123456789abcdef", 5, 3, "ab" * 32, "2026-11-24T08:00:00Z")
ROW = {"at": 1, "kind": "attempt", "reference": "ABCD2345", "user_id": "U1", "action": "get", "parameters": "{}"}


def test_a_row_is_hashed_as_ever() -> None:
    head, row = chained(KEY, HEAD, ROW)
    assert (row["number"], row["previous"], row["hash"]) == (6, "ab" * 32, chain_hash(KEY, row))
    assert row["hash"] == "b43d131eee94ce7f511a879ec036442a4db4efe197f0574dffca5a57f76731e1"
    assert head == replace(HEAD, number=6, hash=row["hash"], entries=4)


def test_a_row_of_the_chain_that_all_shared_keeps_its_hash() -> None:
    _, row = chained(KEY, HEAD, ROW)
    carried = {**row, "chain": "", "hash": "eaa544f7694dd972f723ac1d75f72f4b0b0d7e19138caa1e2d632c290f3034de"}
    shared = replace(HEAD, chain="", number=9)
    assert is_authentic(KEY, replace(shared, carried_number=6), carried)
    assert not is_authentic(KEY, replace(shared, carried_number=5), carried)
    assert not is_authentic(KEY, replace(shared, carried_number=6), row)
    for moved in ("T1", "T2"):
        head = replace(HEAD, chain=moved, carried_number=5)
        assert not is_authentic(KEY, head, {**carried, "chain": moved})
    assert not is_authentic(KEY, replace(HEAD, chain="T2"), {**row, "chain": "T2"})


def test_a_result_is_no_entry_of_its_own() -> None:
    head, _ = chained(KEY, HEAD, {**ROW, "kind": "ending", "attempt": 5})
    assert (head.number, head.entries) == (6, 3)


def test_a_head_is_signed_as_ever() -> None:
    assert HEAD.mac(KEY) == "6b460e5537e93b41b4ab76e516b8d96fdd63ed865dd6e1b2db0b4602d2940710"
    assert HEAD.single_mac(KEY) == "747172222299d4033df2c51e169f0872403c8703b12bea0c96838fe83a9e77cb"
    assert (
        Root(2, 1).mac(KEY, [(2, "T1", "b"), (1, "", "a")])
        == "4fc74caddb4cdc6a3426ef2cb3f1c48815057ff9a4919a7db9fe2301ba0f46ad"
    )


def test_only_what_lies_between_the_ends_is_in_the_chain() -> None:
    assert [number for number in range(8) if HEAD.includes({"chain": "T1", "number": number})] == [3, 4, 5]


def test_a_checkpoint_is_written_as_ever() -> None:
    line = CHECKPOINT.write(KEY)
    assert line == (
        f"extauth-checkpoint 0123456789abcdef row=5 entries=3 at=2026-11-24T08:00:00Z hash={'ab' * 32} "
        "mac=b2f0e9ce3d59d0b0ba1df751b81b954c6a7ca23cbfa3d8f61b166b73651acd48"
    )
    assert Checkpoint.read(f"posted on\n{line.replace(' ', chr(10))} by the bot", KEY) == [CHECKPOINT]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "This is not a checkpoint: it starts with “extauth-checkpoint” and ends with its mac."),
        (CHECKPOINT.write(KEY).replace("row=5", "row=6"), "The checkpoint was altered, or made with another key."),
        (CHECKPOINT.write(AuditKey(b"x")), "The checkpoint was altered, or made with another key."),
    ],
)
def test_what_is_no_checkpoint_says_why(line: str, says: str) -> None:
    with pytest.raises(BadCheckpoint) as caught:
        Checkpoint.read(line, KEY)
    assert str(caught.value) == says


def test_no_use_of_the_key_is_like_another() -> None:
    uses = [use(b"") for use in (KEY.of_chain, KEY.of_single_chain, KEY.of_old_chain, KEY.of_head, KEY.of_root)]
    uses.append(KEY.of_checkpoint(b""))
    assert [use[:8] for use in uses] == ["782398b3", "9de8fbc9", "080e19d1", "081496e8", "e55b8e58", "d5e153d2"]
    assert KEY.check()[:8] == "d7cefd40"
    assert KEY.of_token(SecretStr("x"))[:8] == "be1f1128"


@pytest.mark.parametrize("stored", ["é", b"x", None, 7, "\udcff"])
def test_anything_may_be_compared(stored: object) -> None:
    assert not is_equal(stored, "ab")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_times_are_utc_wherever_the_bot_runs(elsewhere: None) -> None:
    assert utc(0) == "1970-01-01T00:00:00Z"
