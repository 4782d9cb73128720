"""The house rules that matter: who may import whom, who owns which tool, and a pipeline file that tells the truth."""

from __future__ import annotations

import ast
import dataclasses
import sys
import typing
from pathlib import Path

import pytest
from layout import PACKAGE, READS, ROOT, UNREAD, code_deps, dvc_stages, imports, modules, name_of, ours, room_of

from interdance import config
from interdance.stages import PER_SET, STAGES

BASE = {"device", "errors", "files", "config", "kept", "pickles", "processes", "takes"}
#: room -> rooms it may import besides the base. Rooms of the base import the base alone.
MAY_IMPORT = {
    "music": set(),
    "body": set(),
    "model": set(),
    "mocap": {"body"},
    "quality": {"music", "body"},
    "importers": {"music", "body", "mocap", "quality", "representation"},
    "choreography": {"music", "body"},
    "representation": {"body", "mocap"},
    "dataset": {"representation", "body"},
    "diffusion": {"representation", "body"},
    "trained": {"model", "representation", "body"},
    "baselines": {"model", "diffusion", "representation", "dataset", "body"},
    "training": {"dataset", "model", "diffusion", "baselines", "trained", "representation", "body"},
    "metrics": {"body"},
    "export": {"body"},
    "generation": {
        *("music", "mocap", "body", "model", "representation", "dataset", "diffusion", "trained", "baselines"),
        *("metrics", "export"),
    },
    "report": {"export"},
    "evaluation": {"music", "mocap", "importers", "body", "metrics", "export", "report"},
    "ablation": {
        *("body", "dataset", "trained", "generation", "evaluation", "report", "representation", "stages", "tracking"),
    },
    "cluster": {"training"},
    "serving": {"body", "generation", "music", "representation", "trained"},
    "registry": {"tracking"},
    "promotion": {"evaluation", "registry", "report"},
    "comparison": {"evaluation", "export", "registry", "report"},
    "sweep": {"ablation", "cluster", "stages", "tracking"},
    "studio": {"body", "dataset", "export", "generation", "mocap", "music", "registry", "trained", "web"},
    "study": {"evaluation", "export", "report", "web", "body"},
    "tracking": set(),
    "web": set(),
    "workspace": set(),
    "stages": {
        *("music", "importers", "datacard", "body", "model", "choreography", "representation", "dataset", "diffusion"),
        *("trained", "cluster", "serving"),
        *("baselines", "training", "generation", "metrics", "export", "report", "evaluation", "tracking"),
    },
    "datacard": {"music", "body", "metrics", "quality", "export", "report"},
    "cli": {
        *("body", "mocap", "importers", "quality", "datacard", "evaluation", "export", "generation", "report", "stages"),
        *("ablation", "comparison", "promotion", "registry", "representation", "sweep", "tracking", "workspace"),
        *("studio", "study"),
    },
}
#: tool -> the one place (two for one tool) that imports it (a room, a module of the package, or the folder of the flows).
#: Types of a tool may be named elsewhere below ``if TYPE_CHECKING``.
OWNERS: dict[str, str | tuple[str, ...]] = {
    "av": ("export", "music"),  # films and their sound; the sound of films
    "diffusers": "diffusion",
    "matplotlib": "report",
    "dvc": "workspace",
    "fastapi": ("web", "studio", "study"),
    "jinja2": "report",
    "librosa": "music",
    "mlflow": ("tracking", "registry", "serving"),  # records; the registry they lead to; what it serves
    "numba": "export",
    "prefect": "flows",
    "pygltflib": "export",
    "ray": ("cluster", "processes"),  # trainings and sweeps; work that is spread
    "smplx": "body",
    "sqlalchemy": "study",
    "starlette": "web",
    "typer": "cli",
    "uvicorn": "web",
    "warp": "body",
}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_down(path: Path) -> None:
    room = room_of(name_of(path))
    allowed = (MAY_IMPORT.get(room, set()) | BASE | {room, ""}) if room != "flows" else None
    if room == "":
        allowed = set()
    for module in ours(path):
        if allowed is not None:
            assert room_of(module) in allowed, f"{name_of(path)} imports {module}: {room} may not use {room_of(module)}"


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(name_of(path)) for path in modules()} - {"", "flows"}
    assert rooms <= BASE | set(MAY_IMPORT)


def test_no_circle() -> None:
    order: dict[str, int] = dict.fromkeys(BASE, 0)
    left = {room: set(needs) for room, needs in MAY_IMPORT.items()}
    while left:
        free = [room for room, needs in left.items() if needs <= set(order)]
        assert free, f"these rooms may import each other in a circle: {sorted(left)}"
        for room in free:
            order[room] = max((order[need] for need in left.pop(room)), default=0) + 1


@pytest.mark.parametrize("tool", OWNERS)
def test_one_owner_per_tool(tool: str) -> None:
    users = {room_of(name_of(path)) for path in modules() if any(n.split(".")[0] == tool for n in imports(path))}
    owners = OWNERS[tool]
    assert users <= ({owners} if isinstance(owners, str) else set(owners))


#: Ours, and what no index has: COAP is imported where it is asked for, and its absence is said.
NOT_DECLARED = {"interdance", "flows", "coap"}


def test_third_party_imports_are_dependencies() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    declared = text[text.index("dependencies = [") : text.index("[project.scripts]")].lower()
    distributions = {"yaml": "pyyaml", "warp": "warp-lang", "igl": "libigl", "PIL": "pillow"}
    for path in modules():
        for name in {name.split(".")[0] for name in imports(path)} - NOT_DECLARED - sys.stdlib_module_names:
            assert distributions.get(name, name) in declared, f"{name_of(path)} imports {name}: not in pyproject.toml"


def test_only_the_command_line_prints() -> None:
    for path in modules():
        if room_of(name_of(path)) == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            assert not is_print, f"{path}: print()"


def test_no_assert_outside_tests() -> None:
    for path in modules():
        found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
        assert not found, f"{path}: assert disappears under python -O; raise instead"


def test_stages_are_modules_with_run_and_main() -> None:
    assert tuple(dvc_stages()) == STAGES
    files = {path.stem for path in (PACKAGE / "stages").glob("*.py")} - {"__init__"}
    assert files == set(STAGES)
    for stage in STAGES:
        tree = ast.parse((PACKAGE / "stages" / f"{stage}.py").read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {"run", "main"} <= functions, f"stages/{stage}.py"
        place = " ${key}" if stage in PER_SET else ""
        assert dvc_stages()[stage]["cmd"] == f"python -m interdance.stages.{stage}{place}"


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_the_imports(stage: str) -> None:
    """File by file, so that a change rebuilds what it touches and nothing else."""
    listed = [dep for dep in dvc_stages()[stage]["deps"] if dep.startswith("interdance/")]
    assert listed == code_deps(stage), "dvc.yaml lists other code than the stage imports; `make deps` writes it anew"


def test_files_beside_the_code_are_known() -> None:
    """A file that code reads is among the deps of the stages that use that code."""
    known = [name for names in READS.values() for name in names]
    for path in PACKAGE.rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        is_made = {"__pycache__", "node_modules"} & set(path.parts)
        if not path.is_file() or is_made or path.suffix == ".py" or name.endswith(UNREAD):
            continue
        assert any(name == item or name.startswith(item + "/") for item in known), f"{name}: add it to tests/layout.py"


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_those_read(stage: str) -> None:
    """A stage that reads ``params.train.window`` lists it, or the whole section; it lists nothing else."""
    listed = {param.removesuffix(".${key}") for param in dvc_stages()[stage].get("params", [])}
    sections, keys = params_read(PACKAGE / "stages" / f"{stage}.py")
    if sections is None:
        sections = listed  # the whole of Params is handed on: what is read cannot be told from this file
    missing = {key for key in keys if key not in listed and key.split(".")[0] not in listed}
    missing |= {section for section in sections if section not in listed}
    assert not missing - {"tracking"}, f"{stage}: read, but not among the params of dvc.yaml"
    idle = {item for item in listed if item not in sections | keys and not any(k.startswith(item + ".") for k in keys)}
    assert not idle, f"{stage}: among the params of dvc.yaml, but not read"


def params_read(path: Path) -> tuple[set[str] | None, set[str]]:
    """Sections handed on whole (``None``: all of them) and ``section.key`` read from ``params`` in a stage's module.

    ``settings = params.section`` followed by ``settings.key`` counts as the section. Records (``tracking``) get all.
    """
    sections: set[str] = set()
    keys: set[str] = set()
    is_all_handed_on = False

    def chain(node: ast.AST) -> list[str]:
        if isinstance(node, ast.Attribute):
            return [*chain(node.value), node.attr]
        return [node.id] if isinstance(node, ast.Name) else []

    def walk(node: ast.AST) -> None:
        nonlocal is_all_handed_on
        if isinstance(node, ast.Call) and chain(node.func)[:1] == ["tracking"]:
            return
        names = chain(node)
        if names[:1] == ["params"]:
            if len(names) == 1:
                is_all_handed_on = True
            elif len(names) == 2:
                sections.add(names[1])
            else:
                keys.add(".".join(names[1:3]))
            return
        for child in ast.iter_child_nodes(node):
            walk(child)

    for node in ast.parse(path.read_text()).body:
        walk(node)
    return (None if is_all_handed_on else sections), keys


@pytest.mark.parametrize("stage", STAGES)
def test_data_deps_and_outs_are_the_paths_used(stage: str) -> None:
    tree = ast.parse((PACKAGE / "stages" / f"{stage}.py").read_text())
    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "paths"}
    places = {getattr(config.Paths(Path()), name).as_posix() for name in used - {"root", "state", "kept", "checkpoints"}}
    declared = dvc_stages()[stage]
    listed = {dep for dep in declared["deps"] if not dep.startswith(("interdance/", "${"))} | set(outs_of(declared))
    listed = {item.removesuffix("/${key}") for item in listed}
    listed = {"metrics" if item.startswith("metrics/") else item for item in listed}
    assert listed == places, f"{stage}: dvc.yaml lists the left, the module uses the right"


def outs_of(stage: dict) -> list[str]:
    outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]


def test_data_deps_come_from_earlier_stages() -> None:
    made: set[str] = set()
    for name, stage in dvc_stages().items():
        for dep in stage["deps"]:
            if not dep.startswith(("interdance/", "${")):
                assert dep.removesuffix("/${key}") in made, f"{name}: nothing before it makes {dep}"
        made.update(out.removesuffix("/${key}") for out in outs_of(stage))


def test_every_parameter_is_read() -> None:
    sources = [path.read_text() for path in modules() if name_of(path) != "interdance.config"]
    nodes = [node for text in sources for node in ast.walk(ast.parse(text))]
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    attributes |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for section in dataclasses.fields(config.Params):
        kind = typing.get_type_hints(config.Params)[section.name]
        if typing.get_origin(kind) is dict:
            kind = typing.get_args(kind)[1]
        if not dataclasses.is_dataclass(kind):
            assert section.name in attributes
            continue
        for item in dataclasses.fields(kind):
            assert item.name in attributes, f"{section.name}.{item.name}: no module reads it"


def test_no_absolute_path_in_parameters() -> None:
    machines = ROOT / "configs" / "cluster"  # says where they mount what, not what is computed
    overlays = [path for path in sorted((ROOT / "configs").rglob("*.yaml")) if machines not in path.parents]
    for path in (ROOT / "params.yaml", *overlays):
        for line in path.read_text().splitlines():
            assert ": /" not in line, f"{path.name}: {line.strip()}"
