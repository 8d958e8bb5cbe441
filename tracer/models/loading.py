"""The function `load`: the suffix of a file selects its reader, or the cure for a file without a reader."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

from tracer.arrays import quiet
from tracer.boundaries.coercion import has
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.fields.checks import path as checked
from tracer.fields.checks import shown
from tracer.fields.networks.network import Network

# The module for files of each suffix, with a function `load`.
READERS = {
    ".json": "tracer.fields.networks.serialization",
    ".nnet": "tracer.models.nnet",
    ".onnx": "tracer.models.onnx.files",
    ".onnx.gz": "tracer.models.onnx.files",
    ".keras": "tracer.models.keras.files",
    ".h5": "tracer.models.keras.files",
}
# Readers of graphs, which may have several outputs, and inputs of free sizes.
OF_GRAPHS = ("tracer.models.onnx.files", "tracer.models.keras.files")
# Cures for files that another library reads: `as_network` converts the model that it reads.
TORCH = (
    "pass tracer.as_network(module, shape=…), with the shape of one point, after "
    "module.load_state_dict(torch.load(path, weights_only=True)); of a whole module, whose pickle can "
    "execute anything, tracer.as_network(torch.load(path, weights_only=False), shape=…), if you trust its "
    "author; of TorchScript tracer.as_network(torch.jit.load(path), shape=…)"
)
TRUSTED = (
    "if you trust its author, as a pickle can execute anything; files that skl2onnx.to_onnx or skops.io.dump "
    "write cannot"
)
SAVED_MODEL = "convert its folder, python -m tf2onnx.convert --saved-model folder --output model.onnx"
HINTS = {
    ".pt": TORCH,
    ".pth": TORCH,
    ".pt2": "pass the module that was exported to tracer.as_network(module, shape=…)",
    ".joblib": f"pass joblib.load(path) to tracer.as_network, {TRUSTED}",
    ".pkl": f"pass pickle.load(file) to tracer.as_network, {TRUSTED}",
    ".pickle": f"pass pickle.load(file) to tracer.as_network, {TRUSTED}",
    ".skops": "pass skops.io.load(path) to tracer.as_network",
    ".gz": "unpack it, gunzip path: only .onnx.gz is read packed",
    ".safetensors": "it holds weights without a network: load them into your module, and pass that to "
    "tracer.as_network(module, shape=…)",
    ".npz": "of a boundary or a partition, tracer.Boundary.load(path) or tracer.Partition.load(path)",
    ".hdf5": "rename a Keras model to .h5",
    ".tflite": "convert it, python -m tf2onnx.convert --tflite model.tflite --output model.onnx",
    ".pb": SAVED_MODEL,
}


@quiet
@in_ieee_arithmetic(refused)
def load(
    path: str | os.PathLike[str],
    *,
    output: str | int | None = None,
    shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
) -> Network:
    """Read a network from a file.

    Parameters
    ----------
    path : path
        ``.json``: ``{"layers": [{"W": out × in, "b": out, "activation": name}, …]}``.
        ``.nnet``: the format of ACAS Xu, with its normalisation; inputs are not clamped to their ranges.
        ``.onnx``, ``.onnx.gz``: a graph that is a chain of layers; needs the package `onnx`.
        ``.keras``, ``.h5``: a Sequential or functional model of Keras 2 or 3; needs the package `h5py`.
    output : str or int, optional
        The name or number of the output, where a graph has several; for a Keras model the name of any layer.
    shape : sequence of int, or mapping of names to such, optional
        The shape of one point, where a graph leaves sizes of its inputs free; for several inputs by name.

    Returns
    -------
    Network
        With float64 copies of the file's numbers. Normalisation, scales and layers without activation are
        folded into weights, whose radii bound the rounding errors.

    Raises
    ------
    TypeError
        If `path` is a model, or no path.
    ValueError
        If the suffix is unknown, or the file does not contain a network; the message names the file, the
        place in it and the rule. Nothing in a file is executed. A file of 20 kB is read or refused within
        500 MB of memory and 5 seconds of a processor, a larger file within more in proportion.
    FileNotFoundError
        If the file does not exist.
    OSError
        If the file may not be read.
    ImportError
        If a required package is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tracer
    >>> network, _ = tracer.example("moons")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "moons.json")
    ...     network.save(path)
    ...     tracer.load(path)
    Network(2-16-16-2, tanh/softmax)
    """
    if has(path, "predict") or has(path, "state_dict"):
        raise TypeError(
            f"path must be a path, got {shown(path)}: a model is read by tracer.as_network(model)"
        )
    file = checked("path", path)
    if (file / "saved_model.pb").is_file():
        raise ValueError(f"path must be a file; got the SavedModel {shown(path)}: {SAVED_MODEL}")
    suffix = "".join(file.suffixes[-2:] if file.suffix.lower() == ".gz" else file.suffixes[-1:]).lower()
    if suffix not in READERS:
        hint = next((f": {HINTS[end]}" for end in (suffix, file.suffix.lower()) if end in HINTS), "")
        raise ValueError(f"path must end in one of {', '.join(READERS)}; got {shown(path)}{hint}")
    read = import_module(READERS[suffix]).load
    if READERS[suffix] in OF_GRAPHS:
        return read(file, output, shape)
    if output is not None or shape is not None:
        raise ValueError(f"output and shape belong to graphs, such as .onnx; got {shown(path)}")
    return read(file)
