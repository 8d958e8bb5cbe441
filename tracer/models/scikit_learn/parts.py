"""Several models of one input as one model: networks of the input, or networks of kernels.

The kernels of all parts are joined, each with its own map of the input: then a combination of the parts'
outputs is one network of all kernels. A combination of networks and kernel models is neither a network nor a
kernel model.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import Unread, name_of

Model = Network | KernelField


@dataclass(frozen=True)
class Parts:
    """Models of one input, each as a network of some entries of a common source.

    Attributes
    ----------
    source : Affine
        The input, or the kernels of all parts.
    terms : Gaussians or None
        The kernels.
    members : tuple of (Affine, Network)
        For each part its entries of the source, and its network of these entries.
    """

    source: Affine
    terms: Gaussians | None
    members: tuple[tuple[Affine, Network], ...]

    @classmethod
    def of(cls, whole: Any, models: Iterable[Any]) -> Self:
        """The parts of an estimator.

        Raises
        ------
        Unread
            If some parts are networks and others are kernel models.
        """
        models = list(models)
        if all(isinstance(model, Network) for model in models):
            x = Affine.identity(models[0].n_inputs)
            return cls(x, None, tuple((x, model) for model in models))
        if not all(isinstance(model, KernelField) for model in models):
            raise Unread(f"{name_of(whole)} is made of kernels and of other models together")
        terms = together([model.terms for model in models])
        x, ends = Affine.identity(len(terms)), np.cumsum([len(model.terms) for model in models])
        rows = [np.arange(end - len(model.terms), end) for model, end in zip(models, ends, strict=True)]
        members = ((x.taken(row), model.network) for row, model in zip(rows, models, strict=True))
        return cls(x, terms, tuple(members))

    def __iter__(self) -> Iterator[tuple[Affine, Network]]:
        return iter(self.members)

    def model(self, outputs: Affine, classes: tuple | None, link: str) -> Model:
        """The model whose `outputs` are a combination of the parts' outputs."""
        network = Network(chain.network(outputs, [self.source]).layers, classes=classes, link=link)
        return network if self.terms is None else KernelField(self.terms, network)


def together(terms: list[Gaussians]) -> Gaussians:
    """Gaussians one after another, each of its own affine functions of the input; equal ones are shared."""
    inners: dict[tuple[bytes, ...], Layer] = {}
    for one in terms:
        inners.setdefault(_key(one.inner), one.inner)
    ends = np.cumsum([inner.outputs for inner in inners.values()])
    start = {key: end - inners[key].outputs for key, end in zip(inners, ends, strict=True)}
    n = sum(map(len, terms))
    centres, weights, radii = np.zeros((3, n, ends[-1]))
    row = 0
    for one in terms:
        block = slice(row, row + len(one)), slice(s := start[_key(one.inner)], s + one.inner.outputs)
        centres[block], weights[block], radii[block] = one.centres, one.weights, one.weight_radius
        row += len(one)
    layers = list(inners.values())
    parts = ("weight", "bias", "weight_radius", "bias_radius")
    W, b, r, s = (np.concatenate([getattr(layer, name) for layer in layers]) for name in parts)
    return Gaussians(centres, weights, Layer(W, b, weight_radius=r, bias_radius=s), radii)


def _key(layer: Layer) -> tuple[bytes, ...]:
    """The numbers of a layer, by which equal layers are recognised."""
    return tuple(np.asarray(part).tobytes() for part in (layer.weight, layer.bias, layer.weight_radius))
