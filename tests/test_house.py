"""The layout: which folder imports which, what the core may use, and what `import tracer` costs."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tracer

PACKAGE = Path(tracer.__file__).parent
# Every folder imports only itself and the folders before it: one total order, no cycles.
FOLDERS = [
    "equations",
    "enclosures",
    "enclosures/functions",
    "enclosures/interpolation",
    "enclosures/polynomials",
    "enclosures/forms",
    "enclosures/formulas",
    "enclosures/rewriting",
    "fields/callables",
    "fields",
    "fields/files",
    "fields/networks",
    "fields/piecewise_linear",
    "fields/kernels",
    "atlas/cells",
    "atlas/edges",
    "atlas/classes",
    "atlas",
    "curves",
    "curves/prediction",
    "curves/continuation",
    "curves/contours",
    "curves/arcs",
    "curves/nearest",
    "boundaries",
    "boundaries/partitions",
    "boundaries/sweeps",
    "models/lowering",
    "models/onnx/operators",
    "models/onnx",
    "models/keras",
    "models/scikit_learn",
    "models/torch_modules",
    "models",
    "view/canvas",
    "view",
    "explore",
    "cli",
]
CORE = {"equations", "enclosures", "fields", "atlas", "curves", "boundaries"}
# Folders that do not know of each other, though one comes first.
APART = {("curves/arcs", "curves/continuation")}
# The only imports upward, allowed inside functions, and for types.
UPWARD = {
    ("boundaries/result.py", "view"),
    ("boundaries/boundary.py", "view"),
    ("boundaries/partitions/partition.py", "view"),
    ("atlas/certificate.py", "view"),
}
# On top of the layout, and under it.
FREE = {"__init__.py", "__main__.py", "_version.py", "arrays.py", "pickles.py", "public.py"}
MOST_FILES = 12

FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
PLACED = [name for name in FILES if name not in FREE]


def folder_of(name):
    return name.rpartition("/")[0]


def folder_of_module(names):
    """The folder of an imported module or name, given as a list of names below `tracer`."""
    path = "/".join(names)
    return next((f for f in sorted(FOLDERS, key=len, reverse=True) if f"{path}/".startswith(f"{f}/")), path)


def parsed(name):
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def imports(node, inside=False):
    """Every imported module below `node`, as a list of names, and whether a function or a type needs it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name.split("."), inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield from (([*child.module.split("."), alias.name], inside) for alias in child.names)
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        yield from imports(child, inside or function or for_types)


def test_a_proven_boundary_needs_no_more_imports():
    """The first trace takes no longer than the second; special functions are imported by networks of them."""
    code = (
        "import sys, tracer; network, bounds = tracer.example('moons'); field = network.margin(0, 1); "
        "before = set(sys.modules); assert tracer.trace(field, bounds).certificate.complete; "
        "print(sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_every_file_lies_in_a_folder_of_a_dozen_files_at_most():
    folders = [folder_of(name) for name in PLACED]
    assert set(folders) == set(FOLDERS)
    for folder in FOLDERS:
        files = [name for name in PLACED if folder_of(name) == folder and not name.endswith("__init__.py")]
        assert len(files) <= MOST_FILES, folder


@pytest.mark.parametrize("name", PLACED)
def test_a_folder_imports_only_itself_and_the_folders_before_it(name):
    here = folder_of(name)
    before = FOLDERS[: FOLDERS.index(here) + 1]
    for target, inside in imports(parsed(name)):
        if target[0] != "tracer" or target[1:2] in (["_version"], ["arrays"], ["pickles"]):
            continue
        there = folder_of_module(target[1:])
        assert there in before or (inside and (name, there) in UPWARD), f"{here} imports {'.'.join(target)}"
        assert (here, there) not in APART


@pytest.mark.parametrize("name", PLACED)
def test_the_core_uses_numpy_and_scipy_and_only_the_view_matplotlib(name):
    room = name.split("/")[0]
    for target, inside in imports(parsed(name)):
        top = target[0]
        if room in CORE:
            assert top in {"numpy", "scipy", "tracer"} | sys.stdlib_module_names
        assert top != "matplotlib" or (room == "view" and inside)
        # The page is imported when it is served, so bokeh is too.
        assert top not in {"bokeh", "tornado"} or room == "explore" or (room == "view" and inside)
        assert "explore" not in target[1:2] or room == "explore" or (room == "cli" and inside)


@pytest.mark.parametrize("name", PLACED)
def test_no_module_shares_its_name_with_a_function_that_it_exports(name):
    functions = {f.name for f in parsed(name).body if isinstance(f, ast.FunctionDef)}
    assert Path(name).stem not in functions


@pytest.mark.parametrize("name", FILES)
def test_every_module_has_a_docstring(name):
    assert ast.get_docstring(parsed(name))


def modules_after(code):
    """The modules that some code loads in a new process, in which warnings are errors."""
    whole = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-W", "error", "-c", whole]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_tracer_loads_nothing():
    """Public names come when the first is used: the command line answers, or is stopped, before that."""
    loaded = modules_after("import tracer; tracer.__version__")
    assert loaded <= {"tracer", "tracer._version"} | {name for name in loaded if is_standard(name)}


def test_the_public_names_load_nothing_heavy():
    heavy = ["integrate", "optimize", "spatial", "differentiate", "sparse", "special"]
    readers = [f"tracer.models.{name}" for name in ("onnx", "keras", "torch_modules", "nnet")]
    libraries = ["matplotlib", "bokeh", "torch", "onnx", "sklearn", "h5py", "keras"]
    unwanted = {*libraries, *readers, *(f"scipy.{part}" for part in heavy), "tracer.cli"}
    loaded = modules_after("from tracer import *")
    assert {"tracer.public", "numpy"} <= loaded
    assert not loaded & unwanted


def is_standard(name):
    return name.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("name", tracer.__all__)
def test_every_public_name_exists_and_is_documented(name):
    thing = getattr(tracer, name)
    if name != "__version__":
        doc = inspect.getdoc(thing)
        # A dataclass without a docstring gets its signature for one.
        assert doc
        assert not doc.startswith(f"{name}(")
