"""The steps between a deletion that needs approval and its execution, as the audit log has them."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.batch import Batch
from bot.ids import TypedText
from bot.operation import Operation


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Ask somebody else to approve a deletion."""

    batch: Batch

    @property
    def operation(self) -> Operation:
        """Requesting."""
        return Operation.REQUEST

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return what is to be deleted: of several tokens, how many they are."""
        if len(self.batch.items) == 1:
            return self.batch.items[0].deletion().arguments()
        return {"tokens": str(len(self.batch.items))}


@dataclass(frozen=True, slots=True)
class Decide:
    """Approve or decline the deletion that somebody asks for. `batch` is None where it isn't found any more."""

    batch: Batch | None
    approves: bool

    @property
    def operation(self) -> Operation:
        """Approving or declining."""
        return Operation.APPROVE if self.approves else Operation.DECLINE

    def arguments(self) -> Mapping[str, str | bool]:
        """Return the reference of the request, and who made it."""
        return {"request": self.batch.reference, "user_id": self.batch.user_id} if self.batch is not None else {}
