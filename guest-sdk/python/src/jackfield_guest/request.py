"""The handshake's records: reading an upgrade request, writing headers or a rejection."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote_plus

from .connection import Connection
from .message import Bytes, to_bytes, to_text


@dataclass(frozen=True, slots=True)
class Header:
    """One HTTP field line. Names come in lower case; values are the bytes as received."""

    name: str
    """The field's name."""
    value: bytes
    """Its value, without the whitespace around it."""

    @property
    def text(self) -> str | None:
        """The value as text; ``None`` when it is not UTF-8."""
        try:
            return self.value.decode()
        except UnicodeDecodeError:
            return None


Headers: TypeAlias = Mapping[str, Bytes | int] | Iterable[Header | tuple[str, Bytes | int]]
"""Fields for a response: a mapping, or pairs and :class:`Header` for names that come twice."""


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """An upgrade request that passed every check of RFC 6455 section 4.2.1."""

    connection: Connection
    """The connection that asks; it keeps its id when the upgrade succeeds. Attributes can be set on it now."""
    peer: str
    """Address and port of the peer, as ``192.0.2.1:5000`` or ``[2001:db8::1]:5000``."""
    secure: bool
    """Whether the connection is encrypted (``wss``)."""
    authority: str
    """The Host field: host and optional port."""
    path: str
    """The path of the request target, percent-encoding untouched."""
    query: str | None
    """What follows the first ``?`` of the target; ``None`` when there is no ``?``."""
    headers: list[Header]
    """Every field line, in the order received."""
    protocols: list[str]
    """The subprotocols offered (Sec-WebSocket-Protocol), in the client's order of preference."""

    def header(self, name: str) -> str | None:
        """The value of the first field of this name, in whatever case.

        ``None`` when there is no such field, or when its value is not UTF-8.
        """
        fields = self._fields(name)
        return fields[0].text if fields else None

    def bearer_token(self) -> str | None:
        """The token of ``Authorization: Bearer <token>`` (RFC 6750 section 2.1).

        ``None`` also when there are several Authorization fields, of which nobody can say which one counts.
        """
        fields = self._fields("authorization")
        if len(fields) != 1:
            return None
        # RFC 9110 section 11.1: the scheme is case-insensitive.
        found = re.fullmatch(r"bearer +([^ ].*)", fields[0].text or "", re.IGNORECASE | re.DOTALL)
        return found[1] if found else None

    def cookie(self, name: str) -> str | None:
        """The value of a cookie (RFC 6265 section 4.2.1), as it was sent; of several of the same name, the first."""
        for field in self._fields("cookie"):
            for pair in (field.text or "").split(";"):
                key, equals, value = pair.partition("=")
                if equals and key.strip() == name:
                    return value.strip()
        return None

    def query_parameter(self, name: str) -> str | None:
        """The value of a parameter of the query, decoded as a form's is: ``+`` is a space, ``%41`` is ``A``.

        Bytes that are not UTF-8 become U+FFFD. Of several of the same name, the first. Queries end up in the logs of
        whatever stands between the client and here: no place for secrets.
        """
        if self.query is None:
            return None
        for pair in self.query.split("&"):
            key, _, value = pair.partition("=")
            if unquote_plus(key) == name:
                return unquote_plus(value)
        return None

    def _fields(self, name: str) -> list[Header]:
        wanted = name.lower()
        return [header for header in self.headers if header.name.lower() == wanted]


class Rejection(Exception):
    """Why an upgrade is refused, sent as the HTTP response: raised in ``check_custom_header``, or returned.

    :param status: 400 to 599.
    :param body: Sent as ``text/plain; charset=utf-8`` unless ``headers`` say otherwise.
    :param headers: Extra fields. Framing and connection fields, and values with CR, LF or NUL, are dropped and logged
        by the host.
    :raises ValueError: for another status.
    """

    status: int
    """The HTTP status."""
    body: str
    """The response's body."""
    headers: list[Header]
    """The extra fields."""

    def __init__(self, status: int, body: str = "", headers: Headers = ()) -> None:
        if not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"a rejection's status is 400 to 599, not {status!r}")
        super().__init__(int(status), body)
        self.status = int(status)
        self.body = to_text(body)
        self.headers = to_headers(headers)


def to_headers(headers: Headers | None) -> list[Header]:
    """Headers in any of the forms that a plugin may give them, as a list."""
    if headers is None:
        return []
    entries = headers.items() if isinstance(headers, Mapping) else headers
    made = []
    for entry in entries:
        name, value = (entry.name, entry.value) if isinstance(entry, Header) else entry
        made.append(Header(to_text(name), to_bytes(str(value) if isinstance(value, int) else value)))
    return made
