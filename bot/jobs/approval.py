"""The steps between a deletion that needs approval and its execution, as the audit log names them."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.batch import Batch
from bot.ids import TypedText
from bot.operation import Operation


@dataclass(frozen=True, slots=True)
class AskApproval:
    """A request that someone else approve a deletion."""

    operation = Operation.ASK_APPROVAL
    batch: Batch

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return the deletion's parameters; for several tokens, their number."""
        if len(self.batch.items) == 1:
            return self.batch.items[0].deletion().arguments()
        return {"tokens": str(len(self.batch.items))}


@dataclass(frozen=True, slots=True)
class Decide:
    """The approval or refusal of a requested deletion. `batch` is None if it isn't found anymore."""

    batch: Batch | None
    approves: bool

    @property
    def operation(self) -> Operation:
        return Operation.APPROVE if self.approves else Operation.DECLINE

    def arguments(self) -> Mapping[str, str | bool]:
        """Return the request's reference, and the ID of the person who made it."""
        return {"request": self.batch.reference, "user_id": self.batch.user_id} if self.batch is not None else {}
