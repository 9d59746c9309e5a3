"""Which hooks a class has, and what is wrong with it."""

import unittest

from jackfield_guest import Plugin, Stateless
from jackfield_guest._groups import GROUPS, HOOKS, look


def plugin(base: type = Plugin, **methods) -> type:
    return type("Trial", (base,), methods)


class Look(unittest.TestCase):
    def assert_problem(self, kind: type, pattern: str) -> None:
        _, problems = look(kind)
        self.assertRegex("\n".join(problems), pattern)

    def test_every_hook_is_a_method_of_plugin(self) -> None:
        public = [name for name in vars(Plugin) if not name.startswith("_")]
        self.assertEqual(public, HOOKS)

    def test_groups_are_those_of_which_something_is_overridden(self) -> None:
        kind = plugin(business_handler=lambda self, connection, message: None, on_started=lambda self: None)
        self.assertEqual(look(kind), (["handler", "server-events"], []))
        # Of a base of one's own, too.
        self.assertEqual(look(type("More", (kind,), {"on_error": lambda self, *rest: None}))[0][1], "socket-events")
        self.assertEqual(look(plugin(Stateless))[0], ["state"])

    def test_all_groups_are_found(self) -> None:
        kind = plugin(**{name: (lambda self, *rest: None) for name in HOOKS})
        self.assertEqual(look(kind), (list(GROUPS), []))

    def test_slips_are_found_and_names_of_the_author_are_left_alone(self) -> None:
        self.assert_problem(plugin(on_disconected=lambda self: None), "did you mean on_disconnected")
        self.assert_problem(plugin(onStarted=lambda self: None), "did you mean on_started")
        own = plugin(Stateless, store=lambda self: None, connect=lambda self: None, handle_error=lambda self: None)
        self.assertEqual(look(own)[1], [])

    def test_what_cannot_be_called_is_said_in_words(self) -> None:
        async def later(self, connection, message):
            pass

        self.assert_problem(plugin(business_handler=later), "without async")
        self.assert_problem(plugin(business_handler=5), "not a method")
        self.assert_problem(
            plugin(business_handler=lambda self, message: None),
            r"business_handler\(self, message\): the hook is called as business_handler\(self, connection, message\)",
        )
        self.assert_problem(plugin(save=lambda self: b""), "restore is missing")
        self.assert_problem(plugin(), "overrides no hook")
