"""The host of the tests: keeps the contract's rules (order of fragments, close codes, sizes of control frames and
attributes) and remembers what was sent. The same functions as ``_component_host``."""

from dataclasses import dataclass, field
from typing import Any

from .errors import AttributesError, CloseError, SendError
from .message import Message

PEER = "192.0.2.1:5000"

# The attribute limit of a host that is not configured otherwise.
_ATTRIBUTES_MAX = 16 * 1024


@dataclass
class Info:
    """The contract's ``connection-info``."""

    route: str
    peer: str = PEER
    secure: bool = False
    protocol: str | None = None
    age_ms: int = 0
    idle_ms: int = 0
    backlog: int = 0


@dataclass
class Entry:
    """What is known about one connection."""

    open: bool
    info: Info
    sent: list[Any] = field(default_factory=list)
    attributes: dict[str, bytes] = field(default_factory=dict)
    fragmented: type | None = None
    refuse: str | None = None


entries: dict[int, Entry] = {}
# Set by the testing module, so that what is sent is recorded in its classes.
records: Any = None


def add(route: str, is_open: bool) -> int:
    number = len(entries) + 1
    entries[number] = Entry(is_open, Info(route))
    return number


def send(connection: int, message: Message) -> None:
    entry = _sendable(connection)
    if entry.fragmented is not None:
        raise SendError("fragment-order")
    entry.sent.append(message)


def send_uncompressed(connection: int, message: Message) -> None:
    send(connection, message)


def send_fragment(connection: int, part: Message, last: bool) -> None:
    entry = _sendable(connection)
    if entry.fragmented not in (None, type(part)):
        raise SendError("fragment-order")
    entry.fragmented = None if last else type(part)
    entry.sent.append(records.Fragment(part, last))


def ping(connection: int, payload: bytes) -> None:
    _control(connection, payload, records.Ping)


def pong(connection: int, payload: bytes) -> None:
    _control(connection, payload, records.Pong)


def close(connection: int, code: int, reason: str) -> None:
    # RFC 6455 section 7.4: the codes that may be sent.
    if not (1000 <= code <= 1003 or 1007 <= code <= 1009 or 1011 <= code <= 1014 or 3000 <= code <= 4999):
        raise CloseError("invalid-code")
    entry = entries.get(connection)
    if entry is None or not entry.open:
        raise CloseError("gone")
    entry.open = False
    # At most 123 bytes, on a character boundary.
    entry.sent.append(records.Close(code, reason.encode()[:123].decode(errors="ignore")))


def disconnect(connection: int) -> None:
    entry = entries.get(connection)
    if entry is None:
        raise CloseError("gone")
    entry.open = False
    entry.sent.append(records.Disconnect())


def attribute(connection: int, name: str) -> bytes | None:
    return _known(connection).attributes.get(name)


def set_attribute(connection: int, name: str, value: bytes) -> None:
    attributes = _known(connection).attributes
    others = sum(len(key.encode()) + len(held) for key, held in attributes.items() if key != name)
    if others + len(name.encode()) + len(value) > _ATTRIBUTES_MAX:
        raise AttributesError("too-large")
    attributes[name] = value


def remove_attribute(connection: int, name: str) -> None:
    _known(connection).attributes.pop(name, None)


def info(connection: int) -> Info | None:
    entry = entries.get(connection)
    return entry.info if entry else None


def _known(connection: int) -> Entry:
    entry = entries.get(connection)
    if entry is None:
        raise AttributesError("gone")
    return entry


def _sendable(connection: int) -> Entry:
    entry = entries.get(connection)
    if entry is None or not entry.open:
        raise SendError("gone")
    if entry.refuse is not None:
        raise SendError(entry.refuse)
    return entry


def _control(connection: int, payload: bytes, record: Any) -> None:
    entry = _sendable(connection)
    # RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less".
    if len(payload) > 125:
        raise SendError("control-too-large")
    entry.sent.append(record(payload))
