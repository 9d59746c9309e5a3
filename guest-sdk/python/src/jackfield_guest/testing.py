"""A stand-in for the host, so that a plugin's logic can be tested without a server.

There is a host only inside a component. Outside of one, every call on a :class:`~jackfield_guest.Connection` comes
here instead, to a small host that keeps the contract's rules (order of fragments, close codes, sizes of control frames
and attributes) and remembers what was sent::

    from jackfield_guest import testing
    from plugin import Echo

    connection = testing.connect()
    Echo().business_handler(connection, "hello")
    assert testing.sent(connection) == ["hello"]
"""

import sys
from dataclasses import dataclass
from typing import TypeAlias

from . import _testing_host as host
from .connection import Connection
from .message import Message
from .request import Headers, UpgradeRequest, to_headers

host.records = sys.modules[__name__]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a message was sent."""

    part: Message
    """The part."""
    last: bool
    """Whether it was the last one."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping was sent."""

    payload: bytes
    """Its payload."""


@dataclass(frozen=True, slots=True)
class Pong:
    """A pong was sent."""

    payload: bytes
    """Its payload."""


@dataclass(frozen=True, slots=True)
class Close:
    """The closing handshake was begun."""

    code: int
    """Its code."""
    reason: str
    """Its reason, cut to 123 bytes."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The TCP connection was ended."""


Sent: TypeAlias = Message | Fragment | Ping | Pong | Close | Disconnect
"""Something that a plugin had sent, or done to a connection; a message is itself."""


def connect(route: str = "/") -> Connection:
    """A new open connection, from 192.0.2.1."""
    return Connection(host.add(route, True))


def request(target: str, headers: Headers = ()) -> UpgradeRequest:
    """An upgrade request for a target such as ``/chat?room=1``, of a new connection that is not open yet.

    The offered subprotocols are read from the ``sec-websocket-protocol`` fields.
    """
    path, mark, query = target.partition("?")
    fields = [type(field)(field.name.lower(), field.value) for field in to_headers(headers)]
    offered = [field.text or "" for field in fields if field.name == "sec-websocket-protocol"]
    return UpgradeRequest(
        connection=Connection(host.add(path, False)),
        peer=host.PEER,
        secure=False,
        authority="localhost",
        path=path,
        query=query if mark else None,
        headers=fields,
        protocols=[protocol.strip() for protocol in ",".join(offered).split(",") if protocol.strip()],
    )


def accept(connection: Connection, protocol: str | None = None) -> None:
    """Completes the upgrade of a connection that :func:`request` made: from now on it can be sent to."""
    entry = host.entries[connection.id]
    entry.open = True
    entry.info.protocol = protocol


def sent(connection: Connection) -> list[Sent]:
    """Takes what was sent on a connection since the last time."""
    entry = host.entries[connection.id]
    taken, entry.sent = entry.sent, []
    return taken


def refuse_sends(connection: Connection, code: str | None) -> None:
    """From now on, sends of every kind on this connection fail with this code of a ``SendError``; ``None`` ends that."""
    host.entries[connection.id].refuse = code


def end(connection: Connection) -> None:
    """The connection ended: nothing more can be sent, attributes can still be read."""
    host.entries[connection.id].open = False
