"""What imports what, read from the sources, and the code among the deps of ``dvc.yaml`` that follows from it.

Run as a program (``make deps``) it writes those deps anew.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "interdance"

#: Modules that a stage does not list among its deps: they decide nothing in its outputs. Parameters reach DVC by value,
#: errors end a stage, records, previews and what a model is served by are written beside it, and how a team's processes are
#: started and spoken to is not what they compute.
WITHOUT_EFFECT = {
    *("interdance.config", "interdance.errors", "interdance.generation.preview", "interdance.stages", "interdance.tracking"),
    *("interdance.serving", "interdance.cluster.train", "interdance.processes.session", "interdance.processes.spread"),
}
#: Files that modules read besides their own source.
READS = {
    "interdance.body.model": ("interdance/body/default_body.npz",),
    "interdance.export.page": ("interdance/export/viewer/dist", "interdance/export/viewer/page.html"),
    "interdance.mocap.mapping": ("interdance/mocap/mappings",),
    "interdance.mocap.markers": ("interdance/mocap/marker_sets",),
    "interdance.report.datacard": (
        *("interdance/report/datacard.html.j2", "interdance/report/datasets.yaml", "interdance/report/style.css.j2"),
    ),
    "interdance.report.inspection": ("interdance/report/inspection.html.j2", "interdance/report/style.css.j2"),
    "interdance.report.page": ("interdance/report/page.html.j2",),
    "interdance.report.paper": ("interdance/report/paper.yaml",),
    "interdance.studio.app": ("interdance/studio/page",),
    "interdance.report.runs": ("interdance/report/runs.html.j2", "interdance/report/style.css.j2"),
    "interdance.report.study": ("interdance/report/study.html.j2", "interdance/report/style.css.j2"),
    "interdance.study.server": ("interdance/study/page",),
}
#: Files in the package that no module reads: what people read, and what one of the files above is built from.
_VIEWER = (
    *("cast", "clock", "colours", "dancers", "data", "keyboard", "legend", "meeting", "page", "player", "repeat", "skinning"),
    *("stage", "timeline", "viewer", "words"),
)
UNREAD = (
    *(".md", ".txt", ".gitignore", "viewer/package.json", "viewer/package-lock.json", "viewer/build.mjs"),
    *(f"viewer/src/{name}.js" for name in _VIEWER),
)


def modules() -> list[Path]:
    return sorted(path for folder in (PACKAGE, ROOT / "flows") for path in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The room of a module of ours; ``flows`` for the flows, ``""`` for the package itself."""
    parts = module.split(".")
    return "flows" if parts[0] == "flows" else (parts[1] if len(parts) > 1 else "")


@cache
def imports(path: Path) -> frozenset[str]:
    """Everything a file imports, wherever in it, except for type checking alone: module names with the names taken."""
    found: set[str] = set()

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; write the whole name"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(path.read_text()))
    return frozenset(found)


@cache
def ours(path: Path) -> frozenset[str]:
    """The modules of ours among the imports of a file."""
    known = {name_of(module) for module in modules()}
    found = set()
    for name in imports(path):
        if name.split(".")[0] not in ("interdance", "flows"):
            continue
        module = name if name in known else name.rpartition(".")[0]
        assert module in known, f"{path}: imports {name}, which does not exist"
        found.add(module)
    return frozenset(found)


def path_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def closure(module: str) -> set[str]:
    """The module and what it imports, directly or through others."""
    seen: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name in seen or name in WITHOUT_EFFECT:
            continue
        seen.add(name)
        queue += ours(path_of(name))
    return seen


def dvc_stages() -> dict[str, dict]:
    """Stages as ``dvc.yaml`` has them; of one that runs per data set what it runs for each."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in stages.items()}


def code_deps(stage: str) -> list[str]:
    """What the stage imports, as DVC lists it: the stage's own file, then the rest by name."""
    own = f"interdance.stages.{stage}"
    used = closure(own)
    files = {path_of(module) for module in used}
    deps = {path.relative_to(ROOT).as_posix() for path in files if path.name != "__init__.py" or has_code(path)}
    deps |= {name for module in used & set(READS) for name in READS[module]}
    first = path_of(own).relative_to(ROOT).as_posix()
    return [first, *sorted(deps - {first})]


def has_code(path: Path) -> bool:
    nodes = ast.parse(path.read_text()).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in nodes)


def with_code_deps(text: str) -> str:
    """``dvc.yaml`` with the code among the deps of every stage written anew; everything else stays as it is."""
    lines, stage = [], ""
    for line in text.splitlines():
        named = re.fullmatch(r"  (\w+):", line)
        stage = named[1] if named else stage
        if line.lstrip().startswith("- interdance/"):
            continue
        lines.append(line)
        if line.strip() == "deps:":
            indent = " " * (line.index("deps:") + 2)
            lines += [f"{indent}- {dep}" for dep in code_deps(stage)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    place = ROOT / "dvc.yaml"
    place.write_text(with_code_deps(place.read_text()))
