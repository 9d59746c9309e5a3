"""Counters that everyone shares, and that no new version of this file resets.

Clients send the name of a counter; everyone who is connected hears its new value. `?` asks for all of them, as JSON.
"""

import json
import logging

from jackfield_guest import Connection, Ending, Message, Plugin, SendError

log = logging.getLogger("counter")

COUNTERS_MAX = 1000
NAME_MAX = 100


class Counters(Plugin):
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.members: set[Connection] = set()

    def on_handshake_success(self, connection: Connection) -> None:
        self.members.add(connection)

    def on_disconnected(self, connection: Connection, ending: Ending) -> None:
        self.members.discard(connection)

    def business_handler(self, connection: Connection, message: Message) -> None:
        if message == "?":
            connection.send(json.dumps(self.counts))
            return
        if not isinstance(message, str) or not message or len(message) > NAME_MAX:
            connection.close(1003, "a message is the name of a counter, as text")
            return
        if message not in self.counts and len(self.counts) == COUNTERS_MAX:
            connection.send(f"there are {COUNTERS_MAX} counters already")
            return
        self.counts[message] = self.counts.get(message, 0) + 1
        self.tell(f"{message}: {self.counts[message]}")

    def tell(self, text: str) -> None:
        """Sends to everyone. Who reads too slowly is closed: that one would show a wrong number from then on."""
        for member in list(self.members):
            try:
                member.send(text)
            except SendError as error:
                if error.code == "backlog-full":
                    member.close(1008, "too slow")
                self.members.discard(member)

    # The connections stay open when this file is changed, and so do these two: what `save` gives is read by the
    # `restore` of the next version, which may be another than this one. So it says what it is.

    def save(self) -> bytes:
        state = {"format": 1, "counts": self.counts, "members": [member.id for member in self.members]}
        return json.dumps(state).encode()

    def restore(self, from_version: str, state: bytes) -> None:
        saved = json.loads(state)
        if saved.get("format") != 1:
            # The old version goes on serving, and the log says why.
            raise ValueError(f"version {from_version} saved format {saved.get('format')}; this one knows 1")
        self.counts = saved["counts"]
        self.members = {Connection(number) for number in saved["members"]}
        log.info("took over %d counters from %s", len(self.counts), from_version)
