"""What makes a component's Python whole: late imports, tracebacks, logging."""

import contextlib
import importlib.util
import io
import linecache
import logging
import sys
import tempfile
import unittest
from pathlib import Path

from jackfield_guest import _runtime as runtime

SOURCE = '''\
def late():
    from colorsys import rgb_to_hsv
    import wave as w, this_does_not_exist
    from xml.etree import ElementTree

def fail():
    raise ValueError("told")
'''


class Runtime(unittest.TestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "trial_module.py"
        self.path.write_text(SOURCE)
        sys.path.insert(0, folder)
        self.addCleanup(sys.path.remove, folder)
        spec = importlib.util.spec_from_file_location("trial_module", self.path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def test_what_functions_import_is_imported_before_and_what_fails_is_left(self) -> None:
        for name in ("colorsys", "wave", "xml.etree.ElementTree"):
            sys.modules.pop(name, None)
        runtime._read(self.module)
        for name in ("colorsys", "wave", "xml.etree.ElementTree"):
            self.assertIn(name, sys.modules)

    def test_a_traceback_has_the_source_without_the_file_and_no_frame_of_the_sdk(self) -> None:
        runtime._read(self.module)
        self.path.unlink()
        linecache.checkcache()
        try:
            self.module.fail()
        except ValueError as error:
            text = runtime.describe(error)
        self.assertIn('  File "trial_module.py", line 7, in fail\n    raise ValueError("told")\nValueError: told', text)

    def test_causes_and_groups_are_described(self) -> None:
        try:
            try:
                self.module.fail()
            except ValueError as error:
                raise ExceptionGroup("two", [KeyError("k"), OSError("o")]) from error
        except ExceptionGroup as group:
            text = runtime.describe(group)
        for part in ("ValueError: told", "direct cause", "two (2 sub-exceptions)", "KeyError: 'k'", "OSError: o"):
            self.assertIn(part, text)

    def test_an_exception_that_cannot_be_described_is_still_reported(self) -> None:
        class Bad(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no")

        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            runtime.report("on_started raised", Bad())
        self.assertIn("on_started raised", err.getvalue())
        self.assertIn("Bad", err.getvalue())

    def test_logging_goes_to_the_stream_of_its_level(self) -> None:
        root = logging.getLogger()
        kept, root.handlers, level = root.handlers, [], root.level
        root.setLevel(logging.WARNING)
        try:
            runtime._log_to_host()
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                log = logging.getLogger("chat")
                log.debug("not this")
                log.info("%d here", 3)
                log.warning("careful")
                log.error("broken")
        finally:
            root.handlers = kept
            root.setLevel(level)
        self.assertEqual(out.getvalue(), "chat: 3 here\n")
        self.assertEqual(err.getvalue(), "chat: careful\nERROR chat: broken\n")
