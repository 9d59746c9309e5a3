"""An echo server on Python's `websockets`, as its documentation writes it, with its defaults. Ends by itself after
a quarter of an hour."""

import asyncio

from websockets.asyncio.server import serve


async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"ws://127.0.0.1:{port}/", flush=True)
        await asyncio.sleep(15 * 60)


asyncio.run(main())
