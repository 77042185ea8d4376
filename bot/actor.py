"""Who is at the door."""

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Actor:
    """A person doing one thing. `reference` names that one thing, in the answer and in the log.

    `bot_token` is the bot's token in this person's workspace.
    """

    user_id: str
    team_id: str | None
    enterprise_id: str | None
    bot_token: SecretStr = field(repr=False)
    reference: str
