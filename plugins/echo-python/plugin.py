"""The smallest plugin: every message goes back to where it came from, text as text, binary as binary."""

from jackfield_guest import Connection, Message, Stateless


class Echo(Stateless):
    def business_handler(self, connection: Connection, message: Message) -> None:
        connection.send(message)
