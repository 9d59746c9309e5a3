"""Reading an upgrade request, writing headers or a rejection."""

import unittest

from jackfield_guest import Header, Rejection, testing
from jackfield_guest.request import to_headers


class Reading(unittest.TestCase):
    def test_a_bearer_token_is_read_in_any_case_and_spacing_and_never_of_two(self) -> None:
        def token(value: str):
            return testing.request("/", {"Authorization": value}).bearer_token()

        self.assertEqual(token("bearer abc"), "abc")
        self.assertEqual(token("BEARER   abc"), "abc")
        self.assertIsNone(token("Basic abc"))
        self.assertIsNone(token("Bearer"))
        two = [("authorization", "Bearer a"), ("authorization", "Bearer b")]
        self.assertIsNone(testing.request("/", two).bearer_token())

    def test_cookies_are_found_in_every_field_by_their_exact_name(self) -> None:
        fields = [("cookie", "a=1;b=2"), ("cookie", "xtoken=no; token=k=v; token=second")]
        request = testing.request("/", fields)
        self.assertEqual([request.cookie(name) for name in ("b", "token", "Token")], ["2", "k=v", None])

    def test_a_query_is_decoded_as_a_form_and_broken_escapes_stay(self) -> None:
        request = testing.request("/?a=1&b&c=%zz%4&%64=%ff&e=x=y&caf%C3%A9=au+lait%")
        wanted = {"a": "1", "b": "", "c": "%zz%4", "d": "\ufffd", "e": "x=y", "café": "au lait%", "f": None}
        self.assertEqual({name: request.query_parameter(name) for name in wanted}, wanted)
        self.assertIsNone(testing.request("/").query_parameter("a"))
        self.assertEqual(testing.request("/?").query, "")

    def test_a_field_that_is_not_utf_8_has_no_text(self) -> None:
        self.assertIsNone(testing.request("/", {"x": b"\xff"}).header("X"))
        self.assertEqual(testing.request("/", {"Origin": "https://example.com"}).header("origin"), "https://example.com")

    def test_offered_protocols_are_read_from_their_fields(self) -> None:
        fields = [("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c")]
        self.assertEqual(testing.request("/", fields).protocols, ["a", "b", "c"])

    def test_a_connection_is_open_when_it_was_accepted(self) -> None:
        connection = testing.request("/chat").connection
        connection.set_attribute("user", "ada")
        with self.assertRaisesRegex(Exception, "no such open connection"):
            connection.send("early")
        testing.accept(connection, "chat.v1")
        connection.send("now")
        self.assertEqual(connection.info().protocol, "chat.v1")


class Writing(unittest.TestCase):
    def test_headers_are_given_in_any_of_three_forms(self) -> None:
        for given in ({"a": "1"}, [("a", 1)], [Header("a", b"1")], {"a": memoryview(b"1")}):
            self.assertEqual(to_headers(given), [Header("a", b"1")])
        self.assertEqual(to_headers(None), [])

    def test_a_rejection_has_a_status_that_refuses(self) -> None:
        for wrong in (200, 101, 600, 400.5, "401"):
            with self.assertRaises(ValueError):
                Rejection(wrong)
        self.assertEqual(Rejection(599).body, "")
        self.assertEqual(Rejection(401, "no", {"a": "b"}).headers, [Header("a", b"b")])
