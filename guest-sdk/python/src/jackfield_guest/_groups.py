"""The hooks: to which interface of the contract each belongs, and which of them a class overrides."""

import difflib
import inspect
from collections.abc import Callable

from .plugin import Plugin

GROUPS: dict[str, list[str]] = {
    "handshake": ["check_custom_header", "select_protocol"],
    "handler": ["business_handler"],
    "connection-events": ["on_handshake_success", "on_disconnected"],
    "socket-events": [
        "on_connected",
        "on_upgrade_part_receive",
        "on_handshake_failure",
        "on_after_remove_socket",
        "on_error",
    ],
    "health-events": ["on_after_health_check"],
    "server-events": ["on_started", "on_shutdown"],
    "state": ["save", "restore"],
}
"""Interfaces of ``wit/hooks.wit`` and their functions, as a plugin writes them."""

HOOKS = [name for names in GROUPS.values() for name in names]


def look(plugin: type[Plugin]) -> tuple[list[str], list[str]]:
    """The groups of which a class overrides anything, and what is wrong with it, in words."""
    problems: list[str] = []
    overridden = [name for name in HOOKS if getattr(plugin, name) is not getattr(Plugin, name)]
    missing = {_plain(name): name for name in HOOKS if name not in overridden and len(name) > 6}
    for name in overridden:
        problems += _wrong(plugin, name)
    for name in dir(plugin):
        if name.startswith("_") or name in HOOKS or not callable(getattr(plugin, name, None)):
            continue
        # A slip, not a name of its own: but for case, or a letter or two of a long name.
        near = difflib.get_close_matches(_plain(name.lower()), missing, 1, 0.86)
        if near:
            problems.append(f"{plugin.__name__}.{name}: there is no such hook; did you mean {missing[near[0]]}?")
    for name, other in (("save", "restore"), ("restore", "save")):
        if name in overridden and other not in overridden:
            problems.append(f"{plugin.__name__}: save and restore go together: {other} is missing")
    groups = [group for group, names in GROUPS.items() if any(name in overridden for name in names)]
    if not groups and not problems:
        problems.append(f"{plugin.__name__} overrides no hook. The hooks are: {', '.join(HOOKS)}")
    return groups, problems


def _wrong(plugin: type[Plugin], name: str) -> list[str]:
    hook = getattr(plugin, name)
    if not callable(hook):
        return [f"{plugin.__name__}.{name} is a hook's name, but not a method"]
    if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook) or inspect.isgeneratorfunction(hook):
        return [f"{plugin.__name__}.{name}: a hook is a plain method, without async or yield; its call is all there is"]
    wanted = list(inspect.signature(getattr(Plugin, name)).parameters)
    try:
        _bindable(hook)(*wanted)
    except TypeError:
        takes = ", ".join(inspect.signature(hook).parameters)
        return [f"{plugin.__name__}.{name}({takes}): the hook is called as {name}({', '.join(wanted)})"]
    except ValueError:
        pass  # A callable without a signature: it will be seen when it is called.
    return []


def _bindable(hook: Callable[..., object]) -> Callable[..., object]:
    return inspect.signature(hook).bind


def _plain(name: str) -> str:
    return name.replace("_", "")
