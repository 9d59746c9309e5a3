"""The conformance plugin in Python; what it does is in ../README.md."""

import sys

from jackfield_guest import CloseError, Connection, Ending, Message, Plugin, Rejection, UpgradeRequest


def deep_fault() -> None:
    raise RuntimeError("on purpose")


class Conform(Plugin):
    def __init__(self) -> None:
        self.count = 0

    def check_custom_header(self, request: UpgradeRequest) -> dict[str, str]:
        if request.header("x-fault"):
            deep_fault()
        if request.header("x-refuse"):
            raise Rejection(403, "refused by python\n", {"x-lang": "python"})
        request.connection.set_attribute("who", request.path)
        return {"x-lang": "python"}

    def select_protocol(self, connection: Connection, offered: list[str]) -> str | None:
        return None if offered[-1] == "none" else offered[-1]

    def on_handshake_success(self, connection: Connection) -> None:
        connection.send("welcome")

    def on_disconnected(self, connection: Connection, ending: Ending) -> None:
        print(f"ended {ending.code} {ending.reason}")

    def business_handler(self, connection: Connection, message: Message) -> None:
        self.count += 1
        match message:
            case "who":
                connection.send((connection.attribute("who") or b"").decode())
            case "info":
                info = connection.info()
                assert info is not None
                connection.send(f"{info.route} {info.protocol or ''}")
            case "fragments":
                connection.send_fragment("a", False)
                connection.send_fragment("b", False)
                connection.send_fragment("c", True)
            case "print":
                print("printed by python")
            case "warn":
                print("warned by python", file=sys.stderr)
            case "close":
                connection.close(4001, "bye")
            case "bad close":
                try:
                    connection.close(1005)
                except CloseError as error:
                    if error.code == "invalid-code":
                        connection.send("refused")
            case "count":
                connection.send(str(self.count))
            case "churn":
                for _ in range(64):
                    bytearray(4096)
                connection.send("churned")
            case "fault":
                deep_fault()
            case _:
                connection.send(message)

    def save(self) -> bytes:
        return str(self.count).encode()

    def restore(self, from_version: str, state: bytes) -> None:
        self.count = int(state)
