"""The world of one plugin: the imports that the SDK uses, and an export for each group of hooks that it overrides."""

import shutil
from pathlib import Path

_CONTRACT = "jackfield:plugin"
_VERSION = "0.1.0"
_SDK = Path(__file__).resolve().parent.parent


def world(groups: list[str]) -> str:
    """The text of the world ``plugin``."""
    lines = [f"import {_CONTRACT}/connections@{_VERSION};"]
    lines += [f"export {_CONTRACT}/{group}@{_VERSION};" for group in groups]
    body = "".join(f"    {line}\n" for line in lines)
    return f"package jackfield:project;\n\nworld plugin {{\n{body}}}\n"


def write_world(folder: Path, groups: list[str]) -> None:
    """Writes the world and the contract that it names into a new folder."""
    contract = folder / "deps" / "jackfield"
    contract.mkdir(parents=True)
    for file in sorted((_SDK / "wit").glob("*.wit")):
        shutil.copy(file, contract)
    (folder / "world.wit").write_text(world(groups))
