"""Why the host did not do what a plugin asked for: the error enums of ``wit/connections.wit`` as exceptions."""

from typing import ClassVar, Literal


class HostError(Exception):
    """Base of the errors that calls on a connection raise."""

    code: str
    """The case of the contract's enum, as ``"gone"``."""

    _texts: ClassVar[dict[str, str]] = {}

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return self._texts.get(self.code, self.code)


class SendError(HostError):
    """Why something could not be sent; ``code`` tells:

    - ``"gone"``: there is no such open connection: it ended, is closing, or was never this plugin's;
    - ``"backlog-full"``: the outgoing buffer is full: the peer reads too slowly. Nothing was queued;
    - ``"too-large"``: the message is above the largest that the host sends;
    - ``"fragment-order"``: a fragmented message is open, and this is not a part of it; or of the other kind;
    - ``"control-too-large"``: a ping's or pong's payload is above 125 bytes (RFC 6455 section 5.5).
    """

    code: Literal["gone", "backlog-full", "too-large", "fragment-order", "control-too-large"]

    _texts = {
        "gone": "there is no such open connection",
        "backlog-full": "the connection's outgoing buffer is full",
        "too-large": "the message is above the largest that the host sends",
        "fragment-order": "not a part of the fragmented message that is open",
        "control-too-large": "the payload of a ping or pong is above 125 bytes",
    }


class CloseError(HostError):
    """Why a connection could not be closed as asked; ``code`` tells:

    - ``"gone"``: there is no such open connection, or it is closing already;
    - ``"invalid-code"``: the code may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to
      2999, 5000 and up.
    """

    code: Literal["gone", "invalid-code"]

    _texts = {
        "gone": "there is no such open connection",
        "invalid-code": "a close code that may not be sent",
    }


class AttributesError(HostError):
    """Why an attribute could not be read or written; ``code`` tells:

    - ``"gone"``: there is no such connection;
    - ``"too-large"``: names and values together would exceed the connection's limit. The old value is kept.

    (Not ``AttributeError``, which is Python's own.)
    """

    code: Literal["gone", "too-large"]

    _texts = {
        "gone": "there is no such connection",
        "too-large": "the connection's attributes would exceed their limit",
    }
