"""Modules of torch, lowered to chains of layers in float64, or evaluated by torch.

A module becomes a network with exactly the same numbers if its forward calls only functions of the table in
`operators`: linear layers, convolutions, pools, activations, sums of branches; batch normalisation is folded
into the layer before it, with its running statistics. The module is copied first and never changed: a module
in training mode is read in evaluation mode. Any other module is a `SampledModel`, whose reason names the part
that prevents a proof.

torch's softplus is z above its threshold; the softplus here is log(1 + eᶻ) everywhere. The difference is 2e-9
at the threshold of 20, and decreases.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.fields.checks import need_finite, said, shown
from tracer.fields.networks.network import Network
from tracer.fields.sampled import SampledModel
from tracer.models.lowering import chain
from tracer.models.lowering.tensor import Tensor
from tracer.models.torch_modules.evaluation import evaluated, name_of, outputs_at, reason_of
from tracer.models.torch_modules.operators import NoChain
from tracer.models.torch_modules.ports import Choice, of_one_tensor
from tracer.models.torch_modules.scripts import lowered_script
from tracer.models.torch_modules.tracing import Traced

if TYPE_CHECKING:
    from torch import nn

# The sizes of points at which a chain is compared with its module.
SCALES = (0.1, 1.0, 1.0, 10.0)


def read(
    module: "nn.Module", shape: Sequence[Any] | None = None, output: Choice = None
) -> Network | SampledModel:
    """A torch module as a network, or as a model without bounds.

    Parameters
    ----------
    module : torch.nn.Module
        Or TorchScript.
    shape : sequence of int, or of such sequences, optional
        The shape of one point, or a shape for each of several inputs; by default the number of inputs of the
        first linear layer.
    output : int or str, optional
        The number or name of the result, where there are several.

    Returns
    -------
    Network or SampledModel
        A Network if the module is a chain of layers; else a model that torch evaluates and differentiates.

    Raises
    ------
    ValueError
        If the module cannot be evaluated at points of this shape, or `output` is none of its results; the
        message gives the reason.
    """
    from torch import no_grad

    name = name_of(module)
    try:
        with no_grad():  # else the parameters of a copied script are results of operations, not leaves
            copy = deepcopy(module).double().cpu().eval()
    # Copying a user's module may raise anything; none of its functions of points is called.
    except Exception as error:
        raise ValueError(f"{name} cannot be copied to float64: {said(error)}") from error
    for key, parameter in copy.named_parameters():
        parameter.requires_grad_(False)
        need_finite(f"{key} of {name}", parameter.numpy())
    shapes = [_inputs(copy)] if shape is None else _checked(shape)
    point = shapes[0]
    if len(shapes) > 1 or output is not None:
        copy = of_one_tensor(copy, shapes, output).eval()
        point = (sum(map(math.prod, shapes)),)
    stack: list[str] = []
    try:
        with _followed(copy, stack):
            network = lowered(copy, point)
        _need_agreement(network, copy, point)
        return network
    except NoChain as error:
        reason = reason_of(error, point, stack[-1] if stack else f"the forward of {name}")
    return SampledModel.of(evaluated(copy, point, reason))


def _need_agreement(network: Network, module: "nn.Module", shape: tuple[int, ...]) -> None:
    """Raise NoChain if the outputs of a module and its network differ at some random points.

    A forward may treat tensors of torch and their stand-ins differently, such as by their class; or it may be
    random.
    """
    rng = np.random.default_rng(0)
    for scale in SCALES:
        x = rng.normal(size=(1, network.n_inputs)) * scale
        known, allowed = outputs_at(module, shape, x)
        y = network(x)
        if known.shape != y.shape:
            raise NoChain(f"it gives {known.size} numbers, not the {y.size} of the layers that it calls")
        sure = np.isfinite(known) & np.isfinite(y)
        if (np.abs(known - y)[sure] > allowed * (1 + np.abs(known[sure]).max(initial=0.0))).any():
            raise NoChain("its outputs differ from the outputs of the layers that it calls")


def _checked(shape: Sequence[Any]) -> list[tuple[int, ...]]:
    """The shape of a point of each input, checked."""
    several = isinstance(shape, Sequence) and len(shape) > 0 and not isinstance(shape[0], int)
    shapes = shape if several else [shape]
    for one in shapes:
        if not isinstance(one, Sequence) or not all(type(n) is int and n > 0 for n in one):
            raise ValueError(
                "shape must be positive integers, the shape of one point, or of several inputs a sequence of "
                f"such shapes; got {shown(shape)}"
            )
    return [tuple(one) for one in shapes]


def _inputs(module: "nn.Module") -> tuple[int]:
    """The number of inputs of the first layer.

    Raises
    ------
    ValueError
        If the first layer does not determine it.
    """
    name = name_of(module)
    for child in module.modules():
        if type(child).__name__.startswith("Conv"):
            raise ValueError(
                f"shape must be given for {name}: a convolution does not fix the size of its input; pass "
                "shape=(channels, …), the shape of one point"
            )
        for number in ("in_features", "num_features"):
            if hasattr(child, number):
                return (int(getattr(child, number)),)
    # TorchScript keeps the weights of its layers, but not their numbers of inputs.
    weights = [p for _, p in module.named_parameters() if len(p.shape) > 1]
    if weights and len(weights[0].shape) == 2:
        return (weights[0].shape[1],)
    raise ValueError(
        f"shape must be given for {name}: no layer fixes the number of inputs; pass shape=(…), the shape of "
        "one point"
    )


@contextmanager
def _followed(module: "nn.Module", stack: list[str]) -> Iterator[None]:
    """A block in which the parts of a module whose forwards run are on a `stack`.

    After an exception the stack still ends with the part in which it was raised.
    """
    hooks: list[Any] = []

    def enter(name: str) -> Any:
        def hook(part: Any, inputs: Any) -> None:
            stack.append(f"{name} ({type(part).__name__})")

        return hook

    def leave(part: Any, inputs: Any, output: Any) -> None:
        stack.pop()

    for name, part in module.named_modules():
        if name and not hasattr(part, "_c"):  # TorchScript calls its parts without hooks
            hooks += [part.register_forward_pre_hook(enter(name)), part.register_forward_hook(leave)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def lowered(module: "nn.Module", shape: tuple[int, ...]) -> Network:
    """The chain of layers of a module.

    Raises
    ------
    NoChain
        If the module is no chain of layers.
    """
    from torch import jit

    x = Tensor.input((1, *shape))
    try:
        y = lowered_script(module, x) if isinstance(module, jit.ScriptModule) else module(Traced(x))
        if not isinstance(y, Traced):
            raise NoChain(f"it returns {shown(y)}")
        with np.errstate(over="ignore", invalid="ignore"):
            return chain.network(y.value.affine, [x.affine])
    except NoChain:
        raise
    # A forward may raise anything when it is called with a stand-in for a tensor of torch.
    except Exception as error:
        raise NoChain(said(error)) from error
