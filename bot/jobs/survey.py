"""An unattended test of all connected accounts, started by a schedule or a command in the terminal."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr

from bot.actor import Actor, Unattended, Workspace
from bot.batch import Batch, BatchState, Item
from bot.jobs.account_states import LastTest
from bot.jobs.run import BatchEnding, BatchOutcome, BatchRunner, ProgressCallback
from bot.operation import Operation
from bot.outcomes import Failed, Listed, NotRecorded
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.slack.external_auth.models import ListAccounts
from bot.slack.rate_limit import tells_nobody
from bot.storage.engine import DatabaseError

log = logging.getLogger(__name__)

NOT_STORED = "database_unavailable"
NO_ANSWER = "no_answer"
"""The reasons that nothing could be tested, in addition to Slack's codes."""


class Change(Enum):
    """An account's change since its last test."""

    BROKE = "broke"
    NEW = "new and broken"
    MENDED = "works again"


@dataclass(frozen=True, slots=True)
class ChangedAccount:
    """An account that changed. `code` is Slack's error code, if it's broken."""

    change: Change
    item: Item
    state: AccountState
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """The findings of a survey. `outcome` is None if nothing could be tested or there was nothing to test.

    `refusal` is the error code if the accounts couldn't be listed. `was_refused` is the code of the list before that.
    `is_list_complete`: Slack named every account.
    """

    reference: str
    outcome: BatchOutcome | None = None
    changes: Sequence[ChangedAccount] = ()
    refusal: str | None = None
    was_refused: str | None = None
    is_list_complete: bool = True

    @property
    def is_news(self) -> bool:
        """True if anything differs from the last survey."""
        return bool(self.changes) or self.refusal != self.was_refused

    def items(self, *, broken: bool) -> Sequence[tuple[Item, str | None]]:
        """Return the `broken` accounts, or the accounts that couldn't be tested, each with Slack's error code."""
        if self.outcome is None:
            return ()
        batch = self.outcome.batch
        codes = [*(result.code for result in batch.results)]
        ended = [(item, code) for item, code in zip(batch.items, codes, strict=False) if code is not None]
        found = [(item, code) for item, code in ended if state_of(code).is_broken is broken]
        left = batch.items[len(batch.results) :]
        return found if broken else [*found, *((item, None) for item in left)]

    @property
    def is_whole(self) -> bool:
        """True if every listed account was tested."""
        return self.refusal is None and (self.outcome is None or not self.items(broken=False))


def changes_between(before: Mapping[str, LastTest], batch: Batch) -> Sequence[ChangedAccount]:
    """Return the changes since the last tests. A test that shows nothing about its account is ignored."""
    found = []
    for item, result in zip(batch.items, batch.results, strict=False):
        state, last = state_of(result.code), before.get(item.token_id)
        if state is AccountState.UNKNOWN or (last is not None and last.state is state):
            continue
        if state.is_broken:
            change = Change.NEW if last is None else Change.BROKE
            found.append(ChangedAccount(change, item, state, result.code))
        elif last is not None and last.state.is_broken:
            found.append(ChangedAccount(Change.MENDED, item, state, result.code))
    return found


class Surveyor(BatchRunner):
    """A runner that lists accounts and tests them one by one through the service."""

    async def survey(
        self, what: Unattended, workspace: Workspace, bot_token: SecretStr, got_on: ProgressCallback
    ) -> Survey:
        """Test every account that Slack lists. `got_on` is called with the batch when it begins and after each test."""
        actor = Actor.without_person(what, workspace, bot_token)
        entries = await self.service.own_entries(actor, 1, Operation.LIST)
        # Tells later whether a refusal is new. None if there was no list, it worked, or its outcome isn't known.
        was_refused = entries[0].code if entries and entries[0].outcome == "failed" else None
        listed = await self.service.run(actor.step("list"), ListAccounts(), tells_nobody)
        if not isinstance(listed, Listed):
            if isinstance(listed, Failed):
                refusal = listed.error.code
            else:
                # A failure that Slack didn't cause, such as Extauth's shutdown, isn't reported as a change.
                refusal = was_refused = NOT_STORED if isinstance(listed, NotRecorded) else NO_ANSWER
            log.warning("the accounts to test couldn't be listed", extra={"code": refusal})
            return Survey(actor.reference, refusal=refusal, was_refused=was_refused)
        accounts = listed.accounts.accounts
        is_complete = listed.accounts.is_complete
        if is_complete:
            await self.states.keep_only(actor.team_id, [account.token_id for account in accounts])
        found = Survey(actor.reference, was_refused=was_refused, is_list_complete=is_complete)
        if accounts:
            items = [Item.of_account(account) for account in accounts]
            batch = Batch.of(actor, Operation.TEST, items, self.clock.now())
            found = await self._test(actor, batch, was_refused, got_on)
        outcome = found.outcome
        extra = {
            "tested": len(outcome.batch.results) if outcome is not None else 0,
            "broken": len(found.items(broken=True)),
            "ending": outcome.ending.value if outcome is not None else None,
        }
        counts = {change.name.lower(): sum(one.change is change for one in found.changes) for change in Change}
        log.info("accounts tested", extra={**extra, **counts})
        return found

    async def _test(self, actor: Actor, batch: Batch, was_refused: str | None, got_on: ProgressCallback) -> Survey:
        try:
            before = await self.states.known(batch.team_id or "")
            await self.batches.put(batch, BatchState.RUNNING)
        except DatabaseError as error:
            log.error("accounts weren't tested, because the database couldn't be used", extra={"why": str(error)})
            return Survey(actor.reference, BatchOutcome(batch, BatchEnding.NOT_RECORDED, actor.reference))
        await got_on(batch)
        outcome = await self.run(actor, batch, got_on)
        changes = changes_between(before, outcome.batch)
        return Survey(actor.reference, outcome, changes, was_refused=was_refused)
