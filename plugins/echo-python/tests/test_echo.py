import unittest

from jackfield_guest import testing
from plugin import Echo


class EchoTest(unittest.TestCase):
    def test_text_comes_back_as_text_and_binary_as_binary(self) -> None:
        connection = testing.connect()
        echo = Echo()
        echo.business_handler(connection, "hello")
        echo.business_handler(connection, b"\x00\xff")
        self.assertEqual(testing.sent(connection), ["hello", b"\x00\xff"])
