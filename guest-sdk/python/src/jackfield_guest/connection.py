"""``Connection``: what a plugin may do with a connection, and what it may ask about it."""

from dataclasses import dataclass
from datetime import timedelta

from . import _host as host
from .errors import CloseError
from .message import Bytes, to_bytes, to_message, to_text


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What the host knows about a connection."""

    peer: str
    """Address and port of the peer."""
    secure: bool
    """Whether the connection is encrypted."""
    route: str
    """The path of the route that it was accepted on."""
    protocol: str | None
    """The subprotocol agreed on, if any."""
    age: timedelta
    """Since the socket was accepted, to the millisecond."""
    idle: timedelta
    """Since the last byte from the peer, to the millisecond."""
    backlog: int
    """Bytes waiting in the outgoing buffer."""


@dataclass(frozen=True, slots=True, order=True, repr=False)
class Connection:
    """One connection, by its id: small, compared by value, a good key of a ``dict``.

    A plugin reaches the connections of the routes that it serves, not only the one that a hook is called for; on
    any other id everything fails with ``gone``. ``Connection(id)`` makes one of a stored id. Nothing here waits for
    the network: what is sent goes into the connection's bounded outgoing buffer, in order. So the error that every
    sender must think about is ``backlog-full``, the peer that reads too slowly.
    """

    id: int
    """Opaque, below 2^53, never used again while the server process lives."""

    def send(self, message: Bytes) -> None:
        """Sends one message in one frame: ``str`` as text, anything else as binary.

        It is queued behind everything sent before; for a connection that another worker thread owns, it was handed
        to that worker.

        :raises SendError: with any code but ``control-too-large``; ``fragment-order``: a message begun with
            :meth:`send_fragment` is still open.
        :raises UnicodeEncodeError: for text with a lone surrogate, which no UTF-8 has.
        """
        host.send(self.id, to_message(message))

    def send_uncompressed(self, message: Bytes) -> None:
        """Sends one message as :meth:`send` does, but not compressed, whatever the route compresses.

        For what must not be compressed together with text that a stranger chooses, such as secrets (RFC 7692 section
        8: its length would tell of its content), and for what is compressed already.

        :raises SendError: as :meth:`send`.
        """
        host.send_uncompressed(self.id, to_message(message))

    def send_fragment(self, part: Bytes, last: bool) -> None:
        """Sends a part of a message as a fragment (RFC 6455 section 5.4).

        The first part begins the message and gives its kind, every part is of that kind, and ``last`` ends it.
        Until then no other message can be sent on the connection; pings, pongs and a close can.

        :raises SendError: with any code but ``control-too-large``; ``fragment-order``: a part of the other kind.
        """
        host.send_fragment(self.id, to_message(part), bool(last))

    def ping(self, payload: Bytes = b"") -> None:
        """Sends a ping with a payload of at most 125 bytes (RFC 6455 section 5.5.2).

        The answer counts as a sign of life for the host's health check; no hook hears of it.

        :raises SendError: ``control-too-large``, ``gone`` or ``backlog-full``.
        """
        host.ping(self.id, to_bytes(payload))

    def pong(self, payload: Bytes = b"") -> None:
        """Sends a pong that nobody asked for, with at most 125 bytes (RFC 6455 section 5.5.3).

        Pings are answered by the host.

        :raises SendError: ``control-too-large``, ``gone`` or ``backlog-full``.
        """
        host.pong(self.id, to_bytes(payload))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Starts the closing handshake, after everything sent so far (RFC 6455 section 7.1.2).

        Messages that the peer still sends are no longer delivered; :meth:`Plugin.on_disconnected` tells how it
        ended. 1000 is the normal closure, 1008 a broken rule of yours, 1011 a failure of yours; 3000 to 4999 are
        free for applications. A reason above 123 bytes is cut on a character boundary.

        :raises CloseError: ``invalid-code``, or ``gone`` when it is closing already.
        """
        # What is no u16 would end the instance on its way to the host.
        if not 0 <= code <= 0xFFFF:
            raise CloseError("invalid-code")
        host.close(self.id, int(code), to_text(reason))

    def disconnect(self) -> None:
        """Ends the TCP connection without a close frame and without waiting; what is queued is dropped.

        :raises CloseError: ``gone``.
        """
        host.disconnect(self.id)

    def attribute(self, name: str) -> bytes | None:
        """The value of an attribute; ``None`` when it is not set.

        Attributes live in the host: they survive errors and swaps of the plugin, and every plugin of the route sees
        them. They can be written from :meth:`Plugin.check_custom_header` on, and still be read in
        :meth:`Plugin.on_disconnected`.

        :raises AttributesError: ``gone``.
        """
        return host.attribute(self.id, to_text(name))

    def set_attribute(self, name: str, value: Bytes) -> None:
        """Sets an attribute, replacing its value.

        Names and values of a connection together are bounded (16 KiB unless the host is configured otherwise): keep
        a key here, not a document.

        :raises AttributesError: ``too-large`` (the old value is kept), or ``gone``.
        """
        host.set_attribute(self.id, to_text(name), to_bytes(value))

    def remove_attribute(self, name: str) -> None:
        """Removes an attribute; also when it was not set.

        :raises AttributesError: ``gone``.
        """
        host.remove_attribute(self.id, to_text(name))

    def info(self) -> ConnectionInfo | None:
        """What the host knows about the connection; ``None`` when there is no such connection."""
        known = host.info(self.id)
        if known is None:
            return None
        return ConnectionInfo(
            peer=known.peer,
            secure=known.secure,
            route=known.route,
            protocol=known.protocol,
            age=timedelta(milliseconds=known.age_ms),
            idle=timedelta(milliseconds=known.idle_ms),
            backlog=known.backlog,
        )

    def __post_init__(self) -> None:
        if not isinstance(self.id, int) or not 0 <= self.id < 1 << 64:
            raise ValueError(f"not the id of a connection: {self.id!r}")

    def __str__(self) -> str:
        return str(self.id)

    def __repr__(self) -> str:
        return f"Connection({self.id})"
