"""Each layer imports only from those below it, and methods never import one another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = [
    {"__main__"},
    {"cli"},
    {"reporting"},
    {"experiments"},
    {"curation"},
    {"evaluation"},
    {"exporting"},
    {"training"},
    {"merging"},
    {"packing"},
    {"generation"},
    {"engine"},
    {"generators"},
    {"methods"},
    {"backends", "corpus", "templates"},
    {"worlds"},
    {"text"},
    {"statistics", "scaling"},
    {"records", "config", "randomness", "combinations", "files", "file_lock"},
    {"errors", "prompts"},
]
"""From the top; a module may import from lower layers, and from its own package."""

UNLAYERED = {"synthcpt/__init__.py"}
"""The front door names everything, lazily."""


def layer_of(module: str) -> int:
    head = module.split(".")[1] if module.startswith("synthcpt.") else module
    for height, layer in enumerate(LAYERS):
        if head in layer:
            return height
    raise AssertionError(f"{module} is in no layer; add it to LAYERS")


def sources() -> list[tuple[str, Path]]:
    found = [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in (ROOT / "synthcpt").rglob("*.py")
    ]
    found += [(f"synthcpt.generators.{path.stem}", path) for path in (ROOT / "generators").glob("*.py")]
    return [(name.removesuffix(".__init__"), path) for name, path in sorted(found)]


def imports(path: Path) -> set[str]:
    """Every synthcpt module a file imports, at its top or inside a function; not those for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return {name for name in names if name.startswith("synthcpt.")}


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_imports_point_downwards(module: str, path: Path) -> None:
    if str(path.relative_to(ROOT)) in UNLAYERED:
        return
    own = module.split(".")[1]
    for imported in imports(path):
        head = imported.split(".")[1]
        if head == own and own != "generators":
            continue
        if module == "synthcpt.methods.discovery" and imported == "synthcpt.generators":
            continue  # the package's own path, to find methods by name
        assert layer_of(imported) > layer_of(module), f"{module} imports {imported}"


def test_methods_do_not_import_one_another() -> None:
    for path in (ROOT / "generators").glob("*.py"):
        assert not [name for name in imports(path) if name.startswith("synthcpt.generators")], path


def test_nothing_imports_the_checkouts_folders_by_their_bare_names() -> None:
    for folder in ("synthcpt", "generators", "prompts", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [module or ""]
                assert not {name.split(".")[0] for name in names} & {"generators", "prompts", "outputs"}, path
