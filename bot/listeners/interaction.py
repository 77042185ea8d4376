"""Slack's payloads, unpacked into a person and a place for the reply. No other module handles raw payloads."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from typing import Any

from pydantic import SecretStr
from slack_bolt.context.async_context import AsyncBoltContext

from bot.actor import Actor
from bot.listeners.replies import (
    ACKNOWLEDGED_SECONDS,
    RESPONSE_URL_SECONDS,
    ChannelReply,
    DirectReply,
    ModalReply,
    Replace,
    Reply,
)
from bot.operation import Request
from bot.views import metadata
from bot.views.metadata import Origin
from bot.views.parts import Screen
from bot.workspaces.runtime import Runtime

Body = Mapping[str, Any]
_TIMESTAMP = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Click:
    """The value and the place of a click.

    `post` is the channel and timestamp of the clicked message, `seen` is the hash of the modal as the person saw it,
    and `fields` are the values in the modal. `at` is Slack's time in seconds since the epoch, UTC, or 0 if unknown.
    """

    value: object = None
    action_id: str = ""
    at: float = 0.0
    post: tuple[str, str] | None = None
    seen: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


NO_CLICK = Click()


@dataclass
class Interaction:
    """One action of one person.

    `runtime` serves the person's workspace. `reply` is the current place for replies. It changes when a modal opens,
    and is None after a shortcut until the modal opens. `elsewhere` reaches the person if no modal opens. `request` is
    set when a request runs. `interrupted` returns the screen for a shutdown, if the standard one doesn't fit. `origin`
    is the part that a modal has to remember so that the reply can go to the channel.
    """

    runtime: Runtime
    actor: Actor
    trigger_id: str
    origin: Origin | None
    reply: Reply | None
    request: Request | None = None
    elsewhere: Reply | None = None
    interrupted: Callable[[], Screen] | None = None
    click: Click = NO_CLICK


def from_command(runtime: Runtime, body: Body, context: AsyncBoltContext) -> Interaction:
    actor = actor_of(context)
    origin = Origin(str(body["response_url"]), runtime.shared.clock.now(), channel=body.get("channel_id"))
    return Interaction(
        runtime, actor, str(body["trigger_id"]), origin, ChannelReply(runtime.shared.clients, origin, actor)
    )


def from_shortcut(runtime: Runtime, body: Body, context: AsyncBoltContext) -> Interaction:
    """Unpack the global shortcut, which has no channel."""
    actor = actor_of(context)
    direct = DirectReply(runtime.shared.clients, actor.bot_token, actor.user_id)
    return Interaction(runtime, actor, str(body["trigger_id"]), None, None, elsewhere=direct)


def without_place(runtime: Runtime, context: AsyncBoltContext) -> Interaction:
    """Unpack a payload that has no place for a reply or a modal, such as the event for an opened App Home."""
    return Interaction(runtime, actor_of(context), "", None, None)


def from_click(
    runtime: Runtime, body: Body, context: AsyncBoltContext, replace: Replace = Replace.ON_SUCCESS
) -> Interaction:
    """Unpack a click in a message, a modal, or the App Home. The App Home has no channel."""
    actor, trigger_id, click = actor_of(context), str(body["trigger_id"]), _click(body)
    if "view" in body:
        view = body["view"]
        if view.get("type") == "home":
            return replaced(from_shortcut(runtime, body, context), click=click)
        origin = metadata.read(view["private_metadata"]).origin if view.get("private_metadata") else None
        reply: Reply = _modal(runtime, actor, view, origin)
    else:
        channel = body["channel"]["id"] if "channel" in body else None
        replaces = replace is not Replace.NEVER
        origin = Origin(str(body["response_url"]), runtime.shared.clock.now(), is_message=replaces, channel=channel)
        reply = ChannelReply(runtime.shared.clients, origin, actor, replace)
    return Interaction(runtime, actor, trigger_id, origin, reply, click=click)


def _click(body: Body) -> Click:
    action, place, view = body["actions"][0], body.get("container", {}), body.get("view", {})
    chosen = action.get("selected_option") or action
    return Click(
        value=chosen.get("value"),
        action_id=str(action.get("action_id")),
        at=float(action["action_ts"]) if _TIMESTAMP.fullmatch(action.get("action_ts", "")) else 0.0,
        post=(place["channel_id"], place["message_ts"]) if {"channel_id", "message_ts"} <= place.keys() else None,
        seen=view.get("hash"),
        fields=view.get("state", {}).get("values", {}),
    )


def from_submission(
    runtime: Runtime, body: Body, context: AsyncBoltContext, *, stays_in_modal: bool = False
) -> Interaction:
    """Unpack a modal's submission, with a reply in the channel where the person started.

    The reply goes into the modal with `stays_in_modal`, or if the channel's `response_url` is unknown or too old. With
    `stays_in_modal`, it also reaches a person who has closed the modal. Raises UnreadableMetadata.
    """
    actor, view = actor_of(context), body["view"]
    origin = metadata.read(view["private_metadata"]).origin
    is_fresh = origin is not None and runtime.shared.clock.now() - origin.at < RESPONSE_URL_SECONDS
    reply: Reply
    if origin is not None and is_fresh and not stays_in_modal:
        replaces = Replace.ON_SUCCESS if origin.is_message else Replace.NEVER
        reply = ChannelReply(runtime.shared.clients, origin, actor, replaces)
    else:
        earliest = asyncio.get_running_loop().time() + ACKNOWLEDGED_SECONDS
        reply = replaced(_modal(runtime, actor, view, origin, keeps_answer=stays_in_modal), earliest=earliest)
    return Interaction(runtime, actor, str(body.get("trigger_id", "")), origin, reply)


def _modal(
    runtime: Runtime, actor: Actor, view: Body, origin: Origin | None, *, keeps_answer: bool = False
) -> ModalReply:
    elsewhere: Reply = DirectReply(runtime.shared.clients, actor.bot_token, actor.user_id)
    if origin is not None:
        elsewhere = ChannelReply(runtime.shared.clients, origin, actor)
    return ModalReply(runtime.shared.clients, actor.bot_token, str(view["id"]), elsewhere, keeps_answer=keeps_answer)


def actor_of(context: AsyncBoltContext) -> Actor:
    return Actor(
        user_id=str(context.user_id),
        team_id=context.team_id,
        enterprise_id=context.enterprise_id,
        bot_token=SecretStr(str(context.bot_token)),
        reference=str(context["reference"]),
        interaction=context.get("interaction"),
        app_id=context.get("app_id"),
    )
