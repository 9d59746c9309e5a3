"""Talks to the echo route with the Python library `websockets`. Usage: python_client.py ws://HOST:PORT/echo"""

import sys

import websockets
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.sync.client import connect

URL = sys.argv[1]


def main():
    # The library offers permessage-deflate by default; the server declines or accepts, both are fine.
    with connect(URL, max_size=None) as ws:
        ws.send("text κόσμε 🎛")
        assert ws.recv(timeout=20) == "text κόσμε 🎛"
        ws.send(b"\x00\x01\xff")
        assert ws.recv(timeout=20) == b"\x00\x01\xff"
        ws.send(["frag", "ments ", "of text"])
        assert ws.recv(timeout=20) == "fragments of text"
        ws.send([b"a", b"", b"b" * 70_000])
        assert ws.recv(timeout=20) == b"ab" + b"b" * 69_999
        ws.send("")
        assert ws.recv(timeout=20) == ""
        big = bytes(range(256)) * 4096
        ws.send(big)
        assert ws.recv(timeout=20) == big
        assert ws.ping(b"payload").wait(20), "no pong"
        for number in range(1000):
            ws.send(str(number))
        for number in range(1000):
            assert ws.recv(timeout=20) == str(number)
        ws.close(4001, "done here")
        assert ws.close_code == 4001, ws.close_code
        try:
            ws.recv(timeout=20)
        except (ConnectionClosedOK, ConnectionClosedError) as closed:
            assert closed.rcvd.code == 4001, closed
            assert closed.sent.code == 4001, closed

    # Without any extension offered, and with a message above the cap: 1009.
    with connect(URL, compression=None) as ws:
        ws.send(b"x" * (1 << 20))
        assert len(ws.recv(timeout=20)) == 1 << 20
        try:
            ws.send(b"x" * ((1 << 20) + 1))
            ws.recv(timeout=20)
        except ConnectionClosedError as closed:
            assert closed.rcvd.code == 1009, closed
        else:
            raise AssertionError("the server took a message above its cap")

    # A refusal is a status, not a hang.
    try:
        connect(URL.replace("/echo", "/nobody"))
    except websockets.exceptions.InvalidStatus as refused:
        assert refused.response.status_code == 404, refused
    else:
        raise AssertionError("an unknown path was accepted")
    print("interop: ok")


main()
