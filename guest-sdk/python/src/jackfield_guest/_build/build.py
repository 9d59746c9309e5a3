"""From a project to a component: look at the hooks, write their world, componentize."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .world import write_world

_SDK = Path(__file__).resolve().parent.parent
_ENTRIES = ["plugin.py", "src/plugin.py"]
# As in the SDK's pyproject.toml, and tested with it.
TOOL = "componentize-py==0.25.1"
# As in pyproject.toml.
VERSION = "0.1.0"


class BuildError(Exception):
    """A build that failed for a reason of the author's; the message is complete."""


class MissingTool(Exception):
    """A tool that is not installed; the message has the command that installs it."""


@dataclass(frozen=True)
class Built:
    """What was built."""

    component: Path
    groups: list[str]
    size: int


def build(
    project: Path, entry: Path | None = None, output: Path | None = None, paths: list[Path] | None = None
) -> Built:
    """Builds the plugin of a project.

    :param entry: The plugin's module; by default what pyproject.toml or :data:`_ENTRIES` say.
    :param output: The component; by default ``dist/<name>.wasm`` of the project.
    :param paths: Folders to import from, beside the module's own.
    :raises BuildError: when the project is wrong.
    :raises MissingTool: when the toolchain is not installed.
    """
    project = project.resolve()
    settings = _settings(project)
    main = _entry(project, entry, settings)
    component = output.resolve() if output else project / "dist" / f"{settings['name']}.wasm"
    folders = [main.parent, *(path.resolve() for path in (paths or [])), *settings["paths"]]
    looked = _look(main.stem, folders)
    with tempfile.TemporaryDirectory(prefix="jackfield-build-") as name:
        stage = Path(name)
        write_world(stage / "wit", looked["groups"])
        _write_entry(stage, main.stem, looked)
        _componentize(stage, folders)
        with (stage / "plugin.wasm").open("ab") as file:
            file.write(_label(f"jackfield-guest {VERSION} (Python)"))
        component.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / "plugin.wasm", component)
    return Built(component, looked["groups"], component.stat().st_size)


def _label(text: str) -> bytes:
    """A custom section that says what the component was written with; ``jackfield check`` shows it."""
    name, content = b"jackfield.sdk", text.encode()
    # Both are shorter than 128 bytes, so that one byte holds each length.
    return bytes([0, 1 + len(name) + len(content), len(name)]) + name + content


def tool() -> str:
    """The toolchain's program: beside this Python, or on the PATH.

    :raises MissingTool: when it is nowhere.
    """
    beside = Path(sys.executable).with_name("componentize-py")
    found = shutil.which(str(beside)) or shutil.which("componentize-py")
    if not found:
        raise MissingTool(f"componentize-py is not installed. Install it with:\n    {sys.executable} -m pip install {TOOL}")
    return found


def _settings(project: Path) -> dict:
    """What pyproject.toml says, under [project] and [tool.jackfield]."""
    try:
        manifest = tomllib.loads((project / "pyproject.toml").read_text())
    except FileNotFoundError:
        manifest = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildError(f"pyproject.toml: {error}") from None
    own = manifest.get("tool", {}).get("jackfield", {})
    unknown = set(own) - {"plugin", "paths"}
    if unknown:
        raise BuildError(f"pyproject.toml: [tool.jackfield] has no {', '.join(sorted(unknown))}; it has: plugin, paths")
    return {
        "name": manifest.get("project", {}).get("name", project.name),
        "plugin": own.get("plugin"),
        "paths": [(project / path).resolve() for path in own.get("paths", [])],
    }


def _entry(project: Path, entry: Path | None, settings: dict) -> Path:
    if entry is not None:
        named = entry.resolve() if entry.is_absolute() else (project / entry).resolve()
    elif settings["plugin"]:
        named = (project / settings["plugin"]).resolve()
    else:
        found = [project / name for name in _ENTRIES if (project / name).is_file()]
        if not found:
            raise BuildError(
                f"no plugin found in {project}: neither {' nor '.join(_ENTRIES)}, "
                "nor a `plugin` under [tool.jackfield] in pyproject.toml"
            )
        named = found[0]
    if not named.is_file():
        raise BuildError(f"the plugin's module does not exist: {named}")
    if not named.stem.isidentifier():
        raise BuildError(f"{named.name}: not a name that Python can import")
    return named


def _look(module: str, folders: list[Path]) -> dict:
    command = [sys.executable, "-m", "jackfield_guest._build.look", module, *map(str, folders)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_SDK.parent), os.environ.get("PYTHONPATH", "")])}
    run = subprocess.run(command, stdout=subprocess.PIPE, env=environment, timeout=120)
    if run.returncode != 0:
        raise BuildError(f"the module could not be imported: Python ended with {run.returncode}")
    looked = json.loads(run.stdout)
    if looked["error"]:
        raise BuildError(looked["error"])
    return looked


def _write_entry(stage: Path, module: str, looked: dict) -> None:
    """The component's main module, and beside it the part of the SDK that runs in a component."""
    app = stage / "app"
    package = app / "jackfield_guest"
    package.mkdir(parents=True)
    for file in _SDK.glob("*.py"):
        if "testing" not in file.name:
            shutil.copy(file, package)
    exported = ["".join(word.capitalize() for word in group.split("-")) for group in looked["groups"]]
    (app / "jackfield_component.py").write_text(
        f"import {module}\n"
        "import jackfield_guest._component as component\n"
        + "".join(f"{name} = component.{name}\n" for name in exported)
        + f"component.serve({module}, {module}.{looked['class']})\n"
    )


def _componentize(stage: Path, folders: list[Path]) -> None:
    command = [tool(), "--quiet", "-d", str(stage / "wit"), "-w", "plugin", "componentize", "jackfield_component"]
    for folder in [*folders, stage / "app"]:
        command += ["-p", str(folder)]
    command += ["-o", str(stage / "plugin.wasm")]
    # Only what was named is searched: not whatever is installed beside the toolchain.
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if run.returncode != 0:
        raise BuildError(f"the component could not be made:\n{run.stdout.strip()}")
    sys.stderr.write(run.stdout)
