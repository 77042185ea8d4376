"""The simulated workspace from the view of its people, who type, click, fill in fields, and look at messages.

Each action is delivered to Extauth as Slack would deliver it, and the acknowledgement takes effect.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack import elements, views
from bot.sandbox.slack.block_kit import LEAST_QUERY, options_complaints, view_complaints
from bot.sandbox.slack.channels import BOT, CHANNEL, Channel, Post
from bot.sandbox.slack.delivery import Delivery, NotAcknowledged
from bot.sandbox.slack.elements import NotThere
from bot.sandbox.slack.escaping import entities, escape
from bot.sandbox.slack.state import APP_ID, Message, OpenView, State, answering

Filled = Mapping[str, Any]
"""A person's input by block ID: text, the value of a radio button, or a list of selected values."""


class SimulatedWorkspace:
    """A workspace in which people act. Response URLs begin with `base_url`. Payloads contain the `team_id`."""

    def __init__(self, state: State, base_url: str) -> None:
        self.state = state
        self.team_id = state.team_id
        self.delivery: Delivery | None = None
        self.acknowledged: list[float] = []
        self._base_url = base_url

    def messages(self, user_id: str) -> list[Message]:
        """Return the ephemeral messages that the person sees, oldest first."""
        return [message for message in self.state.messages if message.user_id == user_id]

    def channels(self, user_id: str) -> list[Channel]:
        """Return the channels that the person sees."""
        person = self.state.people[user_id]
        is_guest = person.is_restricted or person.is_ultra_restricted
        return [channel for channel in self.state.channels.values() if channel.is_open_to_guests or not is_guest]

    def dialog(self, user_id: str) -> OpenView | None:
        """Return the topmost dialog that the person has open."""
        stack = self.state.views.get(user_id)
        return stack[-1] if stack else None

    async def command(self, user_id: str, line: str, channel: str = CHANNEL) -> bool:
        """Type a slash command. Returns False, and shows the person an error, if Extauth doesn't acknowledge it."""
        command, _, text = line.partition(" ")
        payload = {
            "command": command,
            "text": self._escaped(user_id, text),
            "user_id": user_id,
            "user_name": self.state.people[user_id].name,
            "team_id": self.team_id,
            **({"enterprise_id": self.state.enterprise_id} if self.state.enterprise_id else {}),
            "team_domain": "sandbox",
            "channel_id": channel,
            "channel_name": self._channel_name(channel),
            "api_app_id": APP_ID,
            "is_enterprise_install": str(self._is_of_organization).lower(),
            "trigger_id": self.state.new_trigger(user_id),
            "response_url": self._base_url + self.state.new_response_url("commands", user_id, channel),
        }
        answer = await self._deliver("slash_commands", payload)
        if answer is None:
            why = f'{command} failed with the error "operation_timeout"'
            self.state.post(user_id, channel, why, [], is_error=True)
        elif answer.get("text") or answer.get("blocks"):
            self.state.post(user_id, channel, answer.get("text", ""), answer.get("blocks", []))
        return answer is not None

    def _escaped(self, user_id: str, text: str) -> str:
        if not self.state.should_escape:
            return entities(text)
        return escape(text, self.state.people.values(), self.channels(user_id))

    async def shortcut(self, user_id: str, callback_id: str) -> bool:
        """Choose a global shortcut."""
        payload = {
            "type": "shortcut",
            "callback_id": callback_id,
            "trigger_id": self.state.new_trigger(user_id),
            "action_ts": str(self.state.clock.now()),
            **self._who(user_id),
        }
        return await self._deliver("interactive", payload) is not None

    async def open_home(self, user_id: str) -> bool:
        """Open Extauth's App Home."""
        event = {"type": "app_home_opened", "user": user_id, "channel": f"D{user_id[1:]}", "tab": "home"}
        return await self._event({**event, "event_ts": str(self.state.clock.now())})

    async def tell_uninstalled(self) -> bool:
        """Notify Extauth that it was removed and its tokens revoked. Slack may send these events in any order."""
        revoked = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT]}}
        told = [await self._event(event) for event in (revoked, {"type": "app_uninstalled"})]
        return all(told)

    async def _event(self, event: dict[str, Any]) -> bool:
        where = {"team_id": self.team_id, "enterprise_id": self.state.enterprise_id}
        authorization = {**where, "is_enterprise_install": self._is_of_organization}
        if self._is_of_organization:
            authorization["team_id"] = None
        payload = {
            "type": "event_callback",
            "event_id": f"Ev{self.state.number():08d}",
            "event_time": int(self.state.clock.now()),
            **where,
            "api_app_id": APP_ID,
            "event": event,
            "authorizations": [{**authorization, "user_id": BOT, "is_bot": True}],
        }
        return await self._deliver("events_api", payload) is not None

    @property
    def _is_of_organization(self) -> bool:
        return self.state.is_org_install

    async def press(self, message: Message, label: str) -> bool:
        """Click a button of a message, found by its label."""
        return await self._message_action(message, elements.button(message.blocks, label))

    async def press_post(self, post: Post, user_id: str, label: str) -> bool:
        """Click a button of a message in a channel, as one of the people who see the message."""
        return await self._post_action(post, user_id, elements.button(post.blocks, label))

    async def press_in_dialog(self, view: OpenView, label: str) -> bool:
        """Click a button of a dialog, found by its label."""
        return await self._view_action(view, elements.button(view.content["blocks"], label))

    async def pick(self, message: Message, row: str, label: str) -> bool:
        """Choose an item from the menu beside the text that contains `row` in a message."""
        return await self._message_action(message, elements.menu_item(message.blocks, row, label))

    async def pick_in_dialog(self, view: OpenView, row: str, label: str) -> bool:
        """Choose an item from the menu beside the text that contains `row` in a dialog."""
        return await self._view_action(view, elements.menu_item(view.content["blocks"], row, label))

    async def _message_action(self, message: Message, action: dict[str, Any]) -> bool:
        return await self._action_in(message.channel, message.ts, message.user_id, action, is_ephemeral=True)

    async def _post_action(self, post: Post, user_id: str, action: dict[str, Any]) -> bool:
        message = {"type": "message", "ts": post.ts, "bot_id": BOT, "text": post.text, "blocks": post.blocks}
        return await self._action_in(post.channel, post.ts, user_id, action, message=message)

    async def _action_in(
        self, channel: str, ts: str, user_id: str, action: dict[str, Any], *, is_ephemeral: bool = False, **more: Any
    ) -> bool:
        path = self.state.new_response_url("actions", user_id, channel, ts)
        payload = {
            "type": "block_actions",
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": is_ephemeral},
            "channel": {"id": channel, "name": self._channel_name(channel)},
            "response_url": self._base_url + path,
            "trigger_id": self.state.new_trigger(user_id),
            "actions": [self._timed(action)],
            **more,
            **self._who(user_id),
        }
        return await self._deliver("interactive", payload) is not None

    async def choose(self, view: OpenView, block_id: str, value: str) -> bool:
        """Choose a radio button. Extauth gets the choice at once if the field has `dispatch_action`."""
        self.fill(view, {block_id: value})
        block = next(block for block in view.content["blocks"] if block.get("block_id") == block_id)
        if not block.get("dispatch_action"):
            return True
        element = block["element"]
        action = {**elements.sent(element), **view.filled[block_id][element["action_id"]], "block_id": block_id}
        return await self._view_action(view, action)

    async def suggest(self, view: OpenView, block_id: str, text: str) -> dict[str, Any]:
        """Type into a field whose options come from Extauth, and return its `options` or `option_groups`.

        The result is empty if Extauth doesn't respond in time, or if the response doesn't have the form Slack requires.
        https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload
        """
        element = self._field(view, block_id)
        if len(text) < int(element.get("min_query_length", LEAST_QUERY)):
            return {"options": []}
        payload = {
            "type": "block_suggestion",
            "container": {"type": "view", "view_id": view.view_id},
            "view": views.view_object(view),
            "block_id": block_id,
            "action_id": element["action_id"],
            "value": text,
            **self._who(view.user_id),
        }
        answer = await self._deliver("interactive", payload)
        complaints = options_complaints(answer) if answer is not None else []
        if answer is None or complaints:
            self.state.record("slack", "no options", complaints)
            return {"options": []}
        options = {option["value"]: option for option in elements.all_options(answer)}
        view.offered.setdefault(block_id, {}).update(options)
        return answer

    async def type_into(self, view: OpenView, block_id: str, text: str) -> None:
        """Type into a field whose options come from Extauth, and choose the match, or empty it. Raises NotThere."""
        if text:
            options = elements.all_options(await self.suggest(view, block_id, text))
            self.fill(view, {block_id: elements.meant(options, text)["value"]})
        else:
            self.fill(view, {block_id: ""})

    def _field(self, view: OpenView, block_id: str) -> Mapping[str, Any]:
        for found, _, element in views.inputs(view.content):
            if found == block_id:
                return element
        raise NotThere(f"no field {block_id}")

    def fill(self, view: OpenView, filled: Filled) -> None:
        """Fill in fields by block ID. For a field with options, the input is the value of an option."""
        for block_id, value in filled.items():
            element = self._field(view, block_id)
            view.filled.setdefault(block_id, {})[element["action_id"]] = elements.state_of(
                element, value, view.offered.get(block_id, {})
            )
        self.state.changed()

    async def submit(self, view: OpenView, filled: Filled | None = None) -> bool:
        """Fill in the fields and click the dialog's submit button. Returns False if nothing reached Extauth.

        Into a field whose options come from Extauth, the person types the value.
        """
        for block_id, value in (filled or {}).items():
            if self._field(view, block_id)["type"] == "external_select":
                await self.type_into(view, block_id, value)
            else:
                self.fill(view, {block_id: value})
        view.errors = elements.left_empty(view)
        if "submit" not in view.content:
            raise NotThere("the dialog has no submit button")
        if view.errors:
            self.state.changed()
            return False
        payload = {
            "type": "view_submission",
            "view": views.view_object(view),
            "trigger_id": self.state.new_trigger(view.user_id),
            "response_urls": [],
            **self._who(view.user_id),
        }
        answer = await self._deliver("interactive", payload)
        self._apply(view, answer)
        return answer is not None

    def close(self, view: OpenView) -> None:
        stack = self.state.views.get(view.user_id, [])
        if view in stack:
            stack.remove(view)
        self.state.changed()

    def _apply(self, view: OpenView, answer: dict[str, Any] | None) -> None:
        """Apply the response to a submission. https://docs.slack.dev/surfaces/modals#response_actions"""
        action = (answer or {}).get("response_action")
        content = (answer or {}).get("view")
        if answer is None:
            view.banner = "We had some trouble connecting. Try again?"
        elif action == "errors":
            known = {block_id for block_id, _, _ in views.inputs(view.content)}
            view.errors = {name: text for name, text in answer["errors"].items() if name in known}
            if not view.errors:
                view.banner = "We had some trouble connecting. Try again?"
        elif action == "clear":
            self.state.views[view.user_id] = []
        elif content is None:
            self.close(view)
        elif view_complaints(content):
            self.state.record("slack", "invalid view", view_complaints(content))
            view.banner = "We had some trouble connecting. Try again?"
        elif action == "push":
            pushed = OpenView(f"V{self.state.number():08d}", view.user_id, content, secrets.token_hex(6))
            self.state.views[view.user_id].append(pushed)
        else:
            views.replace(self.state, view, content)
        self.state.changed()

    async def _view_action(self, view: OpenView, action: dict[str, Any]) -> bool:
        payload = {
            "type": "block_actions",
            "container": {"type": "view", "view_id": view.view_id},
            "view": views.view_object(view),
            "trigger_id": self.state.new_trigger(view.user_id),
            "actions": [self._timed(action)],
            **self._who(view.user_id),
        }
        return await self._deliver("interactive", payload) is not None

    async def _deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        if self.delivery is None:
            raise NotThere("no bot is attached")
        waiting = answering.set(self.state.record("slack", kind, payload))
        started = time.perf_counter()
        try:
            answer = await self.delivery.deliver(kind, payload)
        except NotAcknowledged as error:
            milliseconds = (time.perf_counter() - started) * 1000
            self.state.record("slack", "not acknowledged", str(error), milliseconds)
            return None
        finally:
            answering.reset(waiting)
        self.acknowledged.append(time.perf_counter() - started)
        return answer

    def _channel_name(self, channel: str) -> str:
        known = self.state.channels.get(channel)
        return known.name if known else "directmessage"

    def _who(self, user_id: str) -> dict[str, Any]:
        person = self.state.people[user_id]
        return {
            "user": {"id": user_id, "name": person.name, "team_id": person.team_id},
            "team": {"id": self.team_id, "domain": "sandbox"},
            "enterprise": {"id": self.state.enterprise_id} if self.state.enterprise_id else None,
            "is_enterprise_install": self._is_of_organization,
            "api_app_id": APP_ID,
            "token": "deprecated",
        }

    def _timed(self, action: dict[str, Any]) -> dict[str, Any]:
        return {**action, "action_ts": str(self.state.clock.now())}
