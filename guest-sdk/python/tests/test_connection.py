"""What a plugin sends, through the host of the tests."""

import unittest
from datetime import timedelta

from jackfield_guest import AttributesError, CloseError, Connection, SendError, testing


class Sending(unittest.TestCase):
    def setUp(self) -> None:
        self.connection = testing.connect()

    def refused(self, kind: type, code: str):
        test = self

        class Expect:
            def __enter__(self):
                return self

            def __exit__(self, _type, error, _traceback) -> bool:
                test.assertIsInstance(error, kind)
                test.assertEqual(error.code, code)
                return True

        return Expect()

    def test_text_is_text_and_every_kind_of_bytes_is_binary(self) -> None:
        for message in ("é", b"a", bytearray(b"b"), memoryview(b"xcx")[1:2]):
            self.connection.send(message)
        sent = testing.sent(self.connection)
        self.assertEqual(sent, ["é", b"a", b"b", b"c"])
        self.assertEqual([type(each) for each in sent], [str, bytes, bytes, bytes])
        self.assertEqual(testing.sent(self.connection), [])

    def test_what_is_no_message_is_said_before_it_reaches_the_toolchain(self) -> None:
        for wrong in (None, 5, ["a"]):
            with self.assertRaises(TypeError):
                self.connection.send(wrong)
        with self.assertRaises(UnicodeEncodeError):
            self.connection.send("a\ud800")
        self.assertEqual(testing.sent(self.connection), [])

    def test_a_str_of_a_class_of_its_own_is_sent_as_a_str(self) -> None:
        class Name(str):
            pass

        self.connection.send(Name("ada"))
        self.assertIs(type(testing.sent(self.connection)[0]), str)

    def test_fragments_are_of_one_kind_and_come_alone(self) -> None:
        self.connection.send_fragment("once ", False)
        with self.refused(SendError, "fragment-order"):
            self.connection.send("me first")
        with self.refused(SendError, "fragment-order"):
            self.connection.send_fragment(b"bytes", True)
        self.connection.ping()
        self.connection.send_fragment("upon", True)
        self.connection.send("done")
        self.assertEqual(
            testing.sent(self.connection),
            [testing.Fragment("once ", False), testing.Ping(b""), testing.Fragment("upon", True), "done"],
        )

    def test_a_message_is_sent_uncompressed_when_asked(self) -> None:
        self.connection.send_uncompressed(bytearray(b"secret"))
        self.assertEqual(testing.sent(self.connection), [b"secret"])

    def test_control_frames_are_small(self) -> None:
        self.connection.pong("x" * 125)
        with self.refused(SendError, "control-too-large"):
            self.connection.ping(bytes(126))
        self.assertEqual(testing.sent(self.connection), [testing.Pong(b"x" * 125)])

    def test_a_close_has_a_code_that_may_be_sent_and_is_the_last(self) -> None:
        for code in (-1, 0, 999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, 65536, 66536):
            with self.refused(CloseError, "invalid-code"):
                self.connection.close(code)
        self.connection.close(4001, "é" * 100)
        with self.refused(CloseError, "gone"):
            self.connection.close()
        with self.refused(SendError, "gone"):
            self.connection.send("late")
        self.assertEqual(testing.sent(self.connection), [testing.Close(4001, "é" * 61)])

    def test_a_peer_that_reads_too_slowly(self) -> None:
        testing.refuse_sends(self.connection, "backlog-full")
        with self.refused(SendError, "backlog-full"):
            self.connection.send("x")
        testing.refuse_sends(self.connection, None)
        self.connection.send("x")

    def test_attributes_are_kept_bounded_and_outlive_the_connection(self) -> None:
        self.connection.set_attribute("user", "ada")
        with self.refused(AttributesError, "too-large"):
            self.connection.set_attribute("user", bytes(16 * 1024))
        testing.end(self.connection)
        self.assertEqual(self.connection.attribute("user"), b"ada")
        self.connection.remove_attribute("user")
        self.connection.remove_attribute("user")
        self.assertIsNone(self.connection.attribute("user"))
        with self.refused(AttributesError, "gone"):
            Connection(999_999).attribute("a")

    def test_connections_are_values(self) -> None:
        same = Connection(self.connection.id)
        self.assertEqual({self.connection: 1}[same], 1)
        self.assertEqual(f"{same} {same!r}", f"{same.id} Connection({same.id})")
        with self.assertRaises(ValueError):
            Connection(-1)

    def test_what_is_known_of_a_connection(self) -> None:
        connection = testing.connect("/chat")
        info = connection.info()
        self.assertEqual((info.route, info.age, info.protocol), ("/chat", timedelta(0), None))
        connection.disconnect()
        self.assertEqual(testing.sent(connection), [testing.Disconnect()])
        self.assertIsNone(Connection(999_999).info())

    def test_errors_say_what_happened(self) -> None:
        self.assertEqual(str(SendError("backlog-full")), "the connection's outgoing buffer is full")
