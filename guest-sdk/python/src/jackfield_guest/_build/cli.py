"""The command line of the SDK."""

import argparse
import os
import sys
import time
from pathlib import Path

from .build import BuildError, MissingTool, build


def main(arguments: list[str] | None = None) -> int:
    """Runs a command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="jackfield-py",
        description="Build a Jackfield plugin written in Python",
        epilog="Exit codes: 0 done; 1 the plugin is wrong; 2 the command line is wrong; 3 a tool is not installed.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("build", help="make the component, dist/<name>.wasm")
    one.add_argument("project", nargs="?", type=Path, default=Path("."), help="its folder [default: this one]")
    one.add_argument("-e", "--entry", type=Path, help="the plugin's module [default: plugin.py or src/plugin.py]")
    one.add_argument("-o", "--output", type=Path, help="the component [default: dist/<name>.wasm]")
    one.add_argument(
        "-p", "--path", type=Path, action="append", default=[], help="import from this folder too; may be repeated"
    )
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    try:
        made = build(options.project, options.entry, options.output, options.path)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except MissingTool as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    shown = os.path.relpath(made.component)
    seconds = time.perf_counter() - began
    if "state" not in made.groups:
        print(
            "note: without save and restore, an instance that sends bytes grows until it fails at the memory limit; "
            "derive from Stateless if it remembers nothing",
            file=sys.stderr,
        )
    print(f"{shown}: {', '.join(made.groups)}; {made.size / 1e6:.1f} MB, built in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
