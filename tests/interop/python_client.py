"""Talks to the echo route with the Python library `websockets`. Usage: python_client.py URL true|false (whether it compresses)

The asyncio client, not the one with threads: that one reads and writes one TLS session from two threads, and OpenSSL
then loses the upgrade request now and then (seen with CPython 3.11: the bytes never reach the socket).
"""

import asyncio
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

URL = sys.argv[1]
COMPRESSES = sys.argv[2] == "true"


async def received(ws):
    return await asyncio.wait_for(ws.recv(), 20)


async def main():
    # The library offers permessage-deflate by default.
    async with connect(URL, max_size=None) as ws:
        agreed = ws.response.headers.get("Sec-WebSocket-Extensions", "")
        assert agreed.startswith("permessage-deflate") == COMPRESSES, agreed
        await ws.send("text κόσμε 🎛")
        assert await received(ws) == "text κόσμε 🎛"
        await ws.send(b"\x00\x01\xff")
        assert await received(ws) == b"\x00\x01\xff"
        await ws.send(["frag", "ments ", "of text"])
        assert await received(ws) == "fragments of text"
        await ws.send([b"a", b"", b"b" * 70_000])
        assert await received(ws) == b"ab" + b"b" * 69_999
        await ws.send("")
        assert await received(ws) == ""
        big = bytes(range(256)) * 4096
        await ws.send(big)
        assert await received(ws) == big
        pong = await ws.ping(b"payload")
        await asyncio.wait_for(pong, 20)
        for number in range(1000):
            await ws.send(str(number))
        for number in range(1000):
            assert await received(ws) == str(number)
        await ws.close(4001, "done here")
        assert ws.close_code == 4001, ws.close_code
        try:
            await received(ws)
        except (ConnectionClosedOK, ConnectionClosedError) as closed:
            assert closed.rcvd.code == 4001, closed
            assert closed.sent.code == 4001, closed
        else:
            raise AssertionError("a message came after the close")

    # Without any extension offered, and with a message above the cap: 1009.
    async with connect(URL, compression=None) as ws:
        await ws.send(b"x" * (1 << 20))
        assert len(await received(ws)) == 1 << 20
        try:
            await ws.send(b"x" * ((1 << 20) + 1))
            await received(ws)
        except ConnectionClosedError as closed:
            assert closed.rcvd.code == 1009, closed
        else:
            raise AssertionError("the server took a message above its cap")

    # A refusal is a status, not a hang.
    try:
        await connect(URL.replace("/echo", "/nobody"))
    except websockets.exceptions.InvalidStatus as refused:
        assert refused.response.status_code == 404, refused
    else:
        raise AssertionError("an unknown path was accepted")
    print("interop: ok")


asyncio.run(main())
