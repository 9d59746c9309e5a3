"""Which hooks a plugin's module defines: imports it in a process of its own and prints what there is, as JSON.

What the module prints while it is imported is dropped: each build of the component prints it once more.
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any

from .._groups import look
from ..plugin import Plugin


def main() -> None:
    module, *paths = sys.argv[1:]
    answer = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    sys.path[:0] = paths
    with os.fdopen(answer, "w") as out:
        json.dump(_look(module, paths), out)


def _look(name: str, paths: list[str]) -> dict[str, Any]:
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        # Only the frames that are the author's.
        told = traceback.TracebackException.from_exception(error)
        own = [frame for frame in told.stack if any(frame.filename.startswith(path + os.sep) for path in paths)]
        told.stack = traceback.StackSummary.from_list(own)
        return {"error": "".join(told.format()).rstrip()}
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Plugin) and each.__module__ == name
    ]
    # Of a class and those derived from it, only the last ones are meant.
    found = [each for each in found if not any(other is not each and issubclass(other, each) for other in found)]
    if not found:
        return {"error": f"{name} defines no class derived from jackfield_guest.Plugin"}
    if len(found) > 1:
        names = ", ".join(each.__name__ for each in found)
        return {"error": f"{name} defines several plugins: {names}; a component is one of them"}
    groups, problems = look(found[0])
    return {"class": found[0].__name__, "groups": groups, "error": "\n".join(problems)}


if __name__ == "__main__":
    main()
