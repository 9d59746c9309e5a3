"""Text and bytes, as every call of the SDK takes them."""

from typing import TypeAlias

Message: TypeAlias = str | bytes
"""One whole WebSocket message (RFC 6455 section 5.6): ``str`` is a text message, ``bytes`` a binary one."""

Bytes: TypeAlias = str | bytes | bytearray | memoryview
"""What can be sent as bytes: ``str`` goes as its UTF-8, the others as they are."""


def to_bytes(value: Bytes) -> bytes:
    """The bytes of a value. The toolchain takes ``bytes`` alone: anything else would end the instance."""
    if type(value) is bytes:
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected str, bytes, bytearray or memoryview, not {type(value).__name__}")


def to_text(value: str) -> str:
    """A text that has a UTF-8, and is a ``str`` itself.

    :raises UnicodeEncodeError: for a lone surrogate, which would end the instance in the toolchain.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected str, not {type(value).__name__}")
    if not value.isascii():
        value.encode()
    return value if type(value) is str else str.__str__(value)


def to_message(value: Bytes) -> Message:
    """A message: ``str`` is text, anything else binary."""
    return to_text(value) if isinstance(value, str) else to_bytes(value)
