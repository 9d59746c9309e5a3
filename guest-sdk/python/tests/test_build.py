"""The build: what it says when a project is wrong, and, where the toolchain is installed, that one is made."""

import os
import tempfile
import unittest
from pathlib import Path

from jackfield_guest._build.build import BuildError, MissingTool, build, tool
from jackfield_guest._build.world import world

SDK = Path(__file__).resolve().parent.parent
CONTRACT = SDK.parent.parent / "wit"


class Build(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Path(self.enterContext(tempfile.TemporaryDirectory())) / "trial"
        self.project.mkdir()

    def refused(self, source: str, pattern: str) -> None:
        (self.project / "plugin.py").write_text(source)
        with self.assertRaisesRegex(BuildError, pattern):
            build(self.project)

    def test_the_contract_in_the_package_is_the_repositorys(self) -> None:
        if not CONTRACT.is_dir():
            self.skipTest("not in the repository")
        ours = {file.name: file.read_text() for file in (SDK / "src/jackfield_guest/wit").iterdir()}
        theirs = {file.name: file.read_text() for file in CONTRACT.iterdir()}
        self.assertEqual(ours, theirs, "copy wit/*.wit to src/jackfield_guest/wit")

    def test_a_world_exports_what_there_is_and_nothing_else(self) -> None:
        exported = [line.strip() for line in world(["handler", "state"]).splitlines() if "export" in line]
        self.assertEqual(exported, ["export jackfield:plugin/handler@0.1.0;", "export jackfield:plugin/state@0.1.0;"])

    def test_what_is_wrong_is_said_in_words(self) -> None:
        self.refused("class A(", r"plugin\.py\", line 1(.|\n)*SyntaxError")
        self.refused("import nothing_like_that", r"plugin\.py\", line 1(.|\n)*ModuleNotFoundError")
        self.refused("x = 1", "no class derived from jackfield_guest.Plugin")
        self.refused("import sys; sys.exit(7)", "SystemExit: 7")
        self.refused("import os; os._exit(7)", "Python ended with 7")
        two = "from jackfield_guest import Stateless\nclass A(Stateless): pass\nclass B(Stateless): pass\n"
        self.refused(two, "several plugins: A, B")
        self.refused("from jackfield_guest import Plugin\nclass A(Plugin):\n def on_start(self): pass", "mean on_started")

    def test_a_project_without_a_plugin_or_with_a_wrong_manifest(self) -> None:
        with self.assertRaisesRegex(BuildError, "no plugin found"):
            build(self.project)
        (self.project / "pyproject.toml").write_text("[tool.jackfield]\nplugin = 'chat.py'\n")
        with self.assertRaisesRegex(BuildError, r"does not exist: .*chat\.py"):
            build(self.project)
        (self.project / "pyproject.toml").write_text("[tool.jackfield]\nplugn = 'chat.py'\n")
        with self.assertRaisesRegex(BuildError, "has no plugn"):
            build(self.project)
        (self.project / "pyproject.toml").write_text("[tool")
        with self.assertRaisesRegex(BuildError, "pyproject.toml: "):
            build(self.project)

    def test_a_project_becomes_a_component(self) -> None:
        try:
            tool()
        except MissingTool as missing:
            self.skipTest(str(missing))
        if os.environ.get("JACKFIELD_FAST_TESTS"):
            self.skipTest("JACKFIELD_FAST_TESTS is set; a build takes 10 s")
        (self.project / "plugin.py").write_text(
            "from jackfield_guest import Plugin\nclass Trial(Plugin):\n    def on_started(self): print('up')\n"
        )
        built = build(self.project)
        self.assertEqual(built.groups, ["server-events"])
        self.assertEqual(built.component, self.project.resolve() / "dist/trial.wasm")
        # The preamble of a component: magic, version 13, layer 1.
        self.assertEqual(built.component.read_bytes()[:8], b"\x00asm\x0d\x00\x01\x00")
