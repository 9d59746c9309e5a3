"""Write the business logic of a Jackfield WebSocket server in Python.

A plugin is a module with one class derived from :class:`Plugin` (or :class:`Stateless`, when it remembers nothing),
whose methods are the hooks it wants. Only the groups of hooks that it overrides enter the component; the host never
calls the others::

    from jackfield_guest import Connection, Message, Stateless

    class Echo(Stateless):
        def business_handler(self, connection: Connection, message: Message) -> None:
            connection.send(message)

``jackfield-py build`` makes the component. Outside of one, :mod:`jackfield_guest.testing` stands in for the host.

``print`` ends in the host's log at INFO, what goes to ``sys.stderr`` at WARN, ``logging`` by its levels. An
exception that leaves a hook is logged with its traceback, and costs the plugin's instance: the connection of the
call is closed with 1011 (in the handshake: refused with 500), the others go on with a fresh instance.
"""

from .connection import Connection, ConnectionInfo
from .errors import AttributesError, CloseError, HostError, SendError
from .message import Bytes, Message
from .plugin import Ending, ErrorKind, Plugin, Stateless
from .request import Header, Headers, Rejection, UpgradeRequest

__all__ = [
    "AttributesError",
    "Bytes",
    "CloseError",
    "Connection",
    "ConnectionInfo",
    "Ending",
    "ErrorKind",
    "Header",
    "Headers",
    "HostError",
    "Message",
    "Plugin",
    "Rejection",
    "SendError",
    "Stateless",
    "UpgradeRequest",
]
