"""What a plugin may expect of Python and a component does not have by itself: imports inside of functions, source lines
in tracebacks, output that leaves at once, ``logging`` that goes somewhere.

A component is a snapshot of the interpreter after the plugin's module was imported. The files are not there any more
when it runs, so what will be needed of them is read before.
"""

import ast
import importlib
import linecache
import os
import random
import sys
import traceback
from types import ModuleType
from typing import Any

_SDK = os.path.dirname(os.path.abspath(__file__))

# What the standard library imports in the middle of a call, and what bytes are decoded with.
_LATE = {
    "datetime": ["_strptime"],
    "time": ["_strptime"],
    "decimal": ["_decimal"],
}
_ENCODINGS = ["ascii", "latin_1", "utf_8", "utf_8_sig", "utf_16", "utf_16_le", "utf_16_be", "cp1252"]


def prepare(module: ModuleType) -> None:
    """While the component is built: reads what will be needed of the files of the plugin."""
    seen: set[str] = set()
    while True:
        # Imports bring modules with imports of their own.
        new = [each for name, each in list(sys.modules.items()) if name not in seen and _is_authors(each)]
        if not new:
            break
        for each in new:
            seen.add(each.__name__)
            _read(each)
    for name in _ENCODINGS:
        _import(f"encodings.{name}")
    for name, late in _LATE.items():
        if name in sys.modules:
            for each in late:
                _import(each)


def begin() -> None:
    """In an instance, before its first call."""
    # Not the generator that was seeded while the component was built, which every instance would share.
    random.seed(os.urandom(32))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    if "logging" in sys.modules:
        _log_to_host()


def report(what: str, error: BaseException) -> None:
    """Writes an exception to the host's log, in terms of the author's files."""
    try:
        text = f"{what}: {describe(error)}"
    except Exception as second:
        text = f"{what}: {type(error).__name__}, and to describe it raised {type(second).__name__}"
    print(text, file=sys.stderr, flush=True)
    sys.stdout.flush()


def describe(error: BaseException) -> str:
    """Type, message and traceback of an exception and of those that caused it, without the frames of the SDK."""
    told = traceback.TracebackException.from_exception(error, limit=-40)
    links: list[Any] = [told]
    for each in links:
        links += [link for link in (each.__cause__, each.__context__) if link is not None]
        links += each.exceptions or []
        kept = [frame for frame in each.stack if not _is_sdk(frame.filename)]
        each.stack = traceback.StackSummary.from_list(
            [
                traceback.FrameSummary(_shown(frame.filename), frame.lineno, frame.name, lookup_line=False, line=frame.line)
                for frame in kept
            ]
        )
    return "".join(told.format()).rstrip()


def _read(module: ModuleType) -> None:
    path = module.__file__
    try:
        with open(path, encoding="utf-8") as file:
            source = file.read()
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return
    # Without a time of change, an entry is never thought to be out of date.
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                _import(alias.name)
        elif isinstance(node, ast.ImportFrom):
            package = module.__spec__.parent if module.__spec__ else module.__package__
            base = "." * node.level + (node.module or "")
            _import(base, package)
            for alias in node.names:
                # A name may be a module of a package.
                _import(f"{base}.{alias.name}" if node.module else f"{base}{alias.name}", package)


def _import(name: str, package: str | None = None) -> None:
    """Imports what a function will import. What fails now is left to fail then, with its place in the traceback."""
    try:
        importlib.import_module(name, package)
    except Exception:
        pass


def _is_authors(module: Any) -> bool:
    path = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not isinstance(path, str) or not path.endswith(".py"):
        return False
    # The toolchain's own folders; the build gives each of the author's a number.
    return not _is_sdk(path) and not path.startswith(("/python/", "/world/", "/bundled/"))


def _is_sdk(path: str) -> bool:
    return path.startswith(_SDK) or os.path.basename(path) == "jackfield_component.py"


def _shown(path: str) -> str:
    """A file as its author calls it: without the folder in which the build put it."""
    roots = [root for root in sys.path if root and path.startswith(root.rstrip("/") + "/")]
    return path[len(max(roots, key=len).rstrip("/")) + 1 :] if roots else path


def _log_to_host() -> None:
    """Unless the author configured it, ``logging`` prints from INFO up, to the stream that gives it its level there."""
    import logging

    root = logging.getLogger()
    if root.handlers:
        return

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
                # The host says INFO or WARN; the other levels have to be in the text.
                level = "" if record.levelno in (logging.INFO, logging.WARNING) else f"{record.levelname} "
                text = f"{level}{record.name}: {record.getMessage()}"
                if record.exc_info and record.exc_info[1] is not None:
                    text += "\n" + describe(record.exc_info[1])
                if record.stack_info:
                    text += "\n" + record.stack_info
                print(text, file=stream)
            except Exception:
                self.handleError(record)

    root.addHandler(Handler())
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)
