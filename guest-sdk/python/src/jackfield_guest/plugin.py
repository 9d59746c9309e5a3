"""``Plugin``: the hooks, as methods to override."""

from dataclasses import dataclass
from enum import StrEnum

from .connection import Connection
from .message import Bytes, Message
from .request import Headers, Rejection, UpgradeRequest


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended (RFC 6455 sections 7.1.5 and 7.1.6)."""

    code: int
    """The close code received, or 1005 when the peer's close frame had none, or 1006 when the connection ended
    without a close frame from the peer."""
    reason: str
    """The reason received; empty when there was none."""
    clean: bool
    """Whether both close frames were exchanged."""


class ErrorKind(StrEnum):
    """What went wrong on a socket."""

    TRANSPORT = "transport"
    """Reading or writing failed, or the peer vanished."""
    PROTOCOL = "protocol"
    """The peer broke RFC 6455."""
    PLUGIN = "plugin"
    """A call of a plugin failed or ran out of time."""
    LIMIT = "limit"
    """A limit was met: backlog, message size, time."""


class Plugin:
    """Base of a plugin: override the hooks you want.

    A group of hooks of which none is overridden is not in the component, and the host never calls it; what is left
    of a group does what is written here. ``__init__`` takes no arguments and runs once on each instance, before any
    hook; each instance has a memory of its own, and by default there is one for each of the server's threads. One
    call at a time: no locks. The hooks are plain functions, not ``async``.
    """

    def check_custom_header(self, request: UpgradeRequest) -> Headers | Rejection | None:
        """An upgrade request passed every check of RFC 6455 section 4.2.1. What is returned is added to the 101
        response; a :class:`Rejection`, raised or returned, refuses the upgrade. (Group ``handshake``.)

        It fails closed: an exception is answered with 500, running out of time with 503. With several plugins on a
        route, the first rejection ends it. Nothing can be sent yet, but attributes can be set.
        """
        return None

    def select_protocol(self, connection: Connection, offered: list[str]) -> str | None:
        """Chooses one of the subprotocols that the client offered, in its order of preference, or none. Not called
        when it offered none. With several plugins on a route, the first answer wins. (Group ``handshake``.)

        An answer that was not offered fails the upgrade with 500. Mind that a browser that offered subprotocols
        gives up a connection whose response names none.
        """
        return None

    def business_handler(self, connection: Connection, message: Message) -> None:
        """Called with each message, reassembled from its fragments, one call at a time per connection, in the order
        of arrival. With several plugins on a route, the first that has this hook gets the message. (Group
        ``handler``.)
        """

    def on_handshake_success(self, connection: Connection) -> None:
        """The 101 response is in the outgoing buffer; no message was delivered yet. The first moment to send.
        (Group ``connection-events``.)
        """

    def on_disconnected(self, connection: Connection, ending: Ending) -> None:
        """The connection ended; nothing more can be sent. Attributes can still be read. (Group
        ``connection-events``.)
        """

    def on_connected(self, connection: Connection, peer: str) -> None:
        """A socket was accepted; nothing of a request has been read yet. ``peer`` is its address and port, or
        those that a PROXY protocol header named. (Group ``socket-events``: the route is not known yet, so a plugin with any
        hook of it hears of every socket.)
        """

    def on_upgrade_part_receive(self, connection: Connection, received: int) -> None:
        """A part of the upgrade request arrived, and the request is not complete; ``received`` bytes so far. (Group
        ``socket-events``.)
        """

    def on_handshake_failure(self, connection: Connection, status: int, reason: str) -> None:
        """The upgrade was refused with this HTTP status; 0 when the peer left before an answer. (Group
        ``socket-events``.)
        """

    def on_after_remove_socket(self, connection: Connection) -> None:
        """The socket is closed and the id is gone. Called once for each ``on_connected``. (Group
        ``socket-events``.)
        """

    def on_error(self, connection: Connection, kind: ErrorKind, detail: str) -> None:
        """Something went wrong on a socket; what follows (close frame, removal) is reported by itself. (Group
        ``socket-events``.)
        """

    def on_after_health_check(self, unhealthy: list[Connection]) -> None:
        """A check found connections of this plugin's routes unhealthy: no traffic within the interval, or no answer
        to a ping. They are being closed. (Group ``health-events``.)
        """

    def on_started(self) -> None:
        """Called once on each instance before any other hook. (Group ``server-events``.)"""

    def on_shutdown(self) -> None:
        """The server is stopping, or this instance is being replaced; connections are still open. The call has a
        time budget of its own. (Group ``server-events``.)
        """

    def save(self) -> Bytes:
        """What the next version must know when the plugin is swapped. It is read by another version: give it a
        format that can grow. An exception keeps this version serving. (Group ``state``, together with
        :meth:`restore`.)
        """
        return b""

    def restore(self, from_version: str, state: bytes) -> None:
        """Called on the new instance after ``on_started`` and before any other hook, with what :meth:`save` gave and
        the version (digest) that gave it. An exception keeps the old version serving. (Group ``state``.)
        """


class Stateless(Plugin):
    """Base of a plugin that remembers nothing from one call to the next, or nothing that it may not forget.

    It carries nothing over a swap, which lets the host replace an instance between any two calls. It should be let:
    the toolchain keeps each binary payload that a plugin sends, so that an instance grows until it is replaced. A
    plugin that does remember things overrides ``save`` and ``restore`` instead, and is replaced without forgetting
    them; with neither, its instance ends at the host's memory limit, in the middle of a call.
    """

    def save(self) -> Bytes:
        """Nothing."""
        return b""

    def restore(self, from_version: str, state: bytes) -> None:
        """Whatever another version saved is not looked at."""
