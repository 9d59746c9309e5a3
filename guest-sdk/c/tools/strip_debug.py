"""Takes the debug information out of a module, in place, and leaves the names of functions, which a trap's backtrace shows.

zig's linker knows only both or neither. usage: python3 strip_debug.py MODULE
"""

import sys
from pathlib import Path


def number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def stripped(module: bytes) -> bytes:
    """The module without its sections `.debug_…`."""
    if module[:4] != b"\0asm":
        raise SystemExit("not a WebAssembly module")
    out, at = bytearray(module[:8]), 8
    while at < len(module):
        size, content = number(module, at + 1)
        length, name = number(module, content)
        is_debug = module[at] == 0 and module[name : name + length].startswith(b".debug_")
        if not is_debug:
            out += module[at : content + size]
        at = content + size
    return bytes(out)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_bytes(stripped(path.read_bytes()))
