import json
import unittest

from jackfield_guest import Ending, testing
from plugin import COUNTERS_MAX, Counters


class CounterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.plugin = Counters()
        self.ada, self.ben = testing.connect(), testing.connect()
        for connection in (self.ada, self.ben):
            self.plugin.on_handshake_success(connection)

    def say(self, message) -> None:
        self.plugin.business_handler(self.ada, message)

    def test_everyone_hears_each_count(self) -> None:
        self.say("visits")
        self.say("visits")
        self.assertEqual(testing.sent(self.ben), ["visits: 1", "visits: 2"])
        self.say("?")
        self.assertEqual(json.loads(testing.sent(self.ada)[-1]), {"visits": 2})

    def test_a_new_version_goes_on_counting(self) -> None:
        self.say("visits")
        following = Counters()
        following.restore("sha256:0123", self.plugin.save())
        following.business_handler(self.ben, "visits")
        self.assertEqual(testing.sent(self.ada), ["visits: 1", "visits: 2"])

    def test_a_state_of_another_format_is_refused(self) -> None:
        for state in (b'{"format": 2}', b"not json"):
            with self.assertRaises(ValueError):
                Counters().restore("sha256:0123", state)

    def test_who_left_is_told_nothing_and_who_is_too_slow_is_closed(self) -> None:
        self.plugin.on_disconnected(self.ada, Ending(1000, "", True))
        testing.refuse_sends(self.ben, "backlog-full")
        self.plugin.tell("hello")
        self.assertEqual(testing.sent(self.ada), [])
        self.assertEqual(testing.sent(self.ben), [testing.Close(1008, "too slow")])

    def test_what_is_no_name_closes_the_connection(self) -> None:
        self.say(b"\x00")
        self.assertEqual(testing.sent(self.ada)[0].code, 1003)

    def test_there_are_not_too_many(self) -> None:
        self.plugin.counts = {str(number): 1 for number in range(COUNTERS_MAX)}
        self.say("one more")
        self.assertNotIn("one more", self.plugin.counts)
