"""The build: from a project to a component. Runs on the author's machine, never inside of a component."""
