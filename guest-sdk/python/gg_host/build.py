"""Build a component from a Python module: `gg-build-py app.py -o app.wasm`."""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent

# What every component imports, and what it imports if its sources import `gg_host.<name>`.
ALWAYS = ("types", "pubsub", "configuration", "lifecycle", "logging")
ON_DEMAND = ("mqtt", "shadow", "secrets", "inference")

WORLDS = {
    "handler": ("MessageHandler", "gg:host/message-handler@0.1.0"),
    "service": ("Run", "wasi:cli/run@0.2.6"),
}

ENTRY = """\
import sys

# The folders of the sources are not ours to write to.
sys.dont_write_bytecode = True

import {module}
from gg_host._entry import {export}, {world}_is_defined

{world}_is_defined()
"""


class Unusable(Exception):
    """The module cannot be built."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="gg-build-py", description=__doc__)
    parser.add_argument("module", type=Path, help="the module with @handler or @service")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the component to write")
    parser.add_argument("--world", choices=WORLDS, help="left out: as the module's decorator says")
    parser.add_argument("--wit", type=Path, default=HERE / "wit", help="another copy of the WIT package gg:host")
    parser.add_argument("--path", type=Path, action="append", default=[], help="another folder with modules")
    options = parser.parse_args()
    try:
        build(options.module, options.out, options.world, options.wit, options.path)
    except Unusable as error:
        sys.exit(f"gg-build-py: {error}")


def build(module: Path, out: Path, world: str | None, wit: Path, path: list[Path]) -> None:
    """Make a world of what the sources import, and hand it to componentize-py."""
    name = module.stem
    if not name.isidentifier():
        raise Unusable(f"{name} is no name of a Python module")
    if not module.is_file():
        raise Unusable(f"there is no {module}")
    folders = [module.parent.resolve(), *(folder.resolve() for folder in path)]
    used = set().union(*(imports(tree) for tree in sources(name, folders)))
    world = world or world_of(parse(module))
    export, interface = WORLDS[world]
    with tempfile.TemporaryDirectory(prefix="gg-build-") as work:
        root = Path(work)
        demanded = [name for name in ON_DEMAND if f"gg_host.{name}" in used]
        write_world(root / "wit", wit, [*ALWAYS, *demanded], interface)
        entry = root / "entry"
        entry.mkdir()
        (entry / "gg_entry.py").write_text(ENTRY.format(module=name, export=export, world=world))
        # Only this package, not what is installed beside it.
        shutil.copytree(HERE, entry / "gg_host", ignore=shutil.ignore_patterns("wit", "build.py", "__pycache__"))
        out.parent.mkdir(parents=True, exist_ok=True)
        componentize(root / "wit", [entry, *folders], out)


def sources(name: str, folders: list[Path]) -> Iterator[ast.Module]:
    """The module and those of its own that it imports, directly or not."""
    todo, seen = [name], set()
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        for folder in folders:
            base = folder.joinpath(*current.split("."))
            file = next((f for f in (base.with_name(base.name + ".py"), base / "__init__.py") if f.is_file()), None)
            if file is not None:
                tree = parse(file)
                todo.extend(imports(tree))
                yield tree
                break


def parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Unusable(f"{file}:{error.lineno}: {error.msg} (as Python {version} reads it)") from None


def imports(tree: ast.Module) -> set[str]:
    """The names of imported modules; `from a import b` may mean the module `a.b`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def world_of(tree: ast.Module) -> str:
    """The decorator that the module uses."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    decorators = [decorator for function in functions for decorator in function.decorator_list]
    names = {getattr(decorator, "id", getattr(decorator, "attr", None)) for decorator in decorators}
    found = [world for world in WORLDS if world in names]
    if len(found) != 1:
        raise Unusable("decorate one function with @handler or one with @service, or say --world")
    return found[0]


def write_world(wit: Path, host: Path, imported: list[str], exported: str) -> None:
    lines = "".join(f"  import gg:host/{name}@0.1.0;\n" for name in imported)
    deps = wit / "deps"
    shutil.copytree(host / "deps", deps)
    (deps / "gg-host").mkdir()
    for file in host.glob("*.wit"):
        shutil.copy(file, deps / "gg-host")
    (wit / "world.wit").write_text(f"package gg:guest;\n\nworld gg-guest {{\n{lines}  export {exported};\n}}\n")


def componentize(wit: Path, path: list[Path], out: Path) -> None:
    # As a program of its own, because it ends the process when it fails.
    run = "import sys; from componentize_py import script; sys.argv[0] = 'componentize-py'; sys.exit(script())"
    arguments = ["--quiet", "-d", wit, "-w", "gg-guest", "componentize", "gg_entry", "-o", out]
    for folder in path:
        arguments += ["-p", folder]
    # The traceback of the Python module says more than that of the tool.
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    status = subprocess.run([sys.executable, "-c", run, *map(str, arguments)], env=environment).returncode
    if status != 0:
        raise Unusable("componentize-py failed")


if __name__ == "__main__":
    main()
