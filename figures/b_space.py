"""
The boundary in B-space
=======================

The same boundary in the paper's B-space: where the plane B(x1, x2) cuts the surface E(B) = 0.

"Solve for B, not for x": equation (69) is an equation of a surface in (B1, B2, B3), the same for all
input weights; the network's first layer lays a plane through it.
"""

import numpy as np
from drawing import saved
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.special import expit, logit

import tracer


def surface(weights, offset, edge=1e-5, sides=200, rings=160):
    """Points of E(B) = 0, shape (rings, sides, 3).

    With y = σ(−B) the surface is flat: the polygon in which Σ Δw_k y_k + Δb = 0 cuts the unit cube.
    It is covered by rings around its middle and bent back by B = −logit(y).
    """
    low, high, corners = edge, 1 - edge, []
    for k in range(3):
        i, j = (n for n in range(3) if n != k)
        for a in (low, high):
            for b in (low, high):
                y = np.empty(3)
                y[[i, j]] = a, b
                y[k] = -(offset + weights[i] * a + weights[j] * b) / weights[k]
                if low <= y[k] <= high:
                    corners.append(y)
    corners = np.array(corners)
    middle = corners.mean(axis=0)
    e = np.linalg.svd(corners - middle)[2][:2]
    corners = corners[np.argsort(np.arctan2(*((corners - middle) @ e.T).T))]
    t = np.linspace(0, len(corners), sides)
    # Points crowd towards corners and edges, where the logit stretches.
    k, w = np.divmod(np.minimum(t, len(corners) - 1e-9), 1)
    w = expit(np.interp(w, [0, 1], [-12, 12]))[:, None]
    k = k.astype(int)
    rim = (1 - w) * corners[k] + w * corners[(k + 1) % len(corners)]
    r = expit(np.linspace(-4, 14, rings))[:, None, None]
    return -logit(np.clip(middle + r * (rim - middle), low, high))


def draw():
    network, bounds = tracer.example("paper")
    field = network.margin(0, 1)
    total = tracer.ExponentialSum(field)
    boundary = tracer.trace(total, bounds)
    curves = [total.exponents(curve.polyline(1e-3)) for curve in boundary]
    corners = total.exponents(np.array([(x, y) for x in bounds[0] for y in bounds[1]]))
    weights, offset = field.layers[1].weight[0], field.layers[1].bias[0]

    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    with rc_context({"grid.color": "#e4e4de"}):
        ax = figure.add_subplot(projection="3d", computed_zorder=False)
    B = surface(weights, offset)
    # Beyond the plane, the surface only hides it.
    reach = np.abs(corners).max(axis=0)
    B[(np.abs(B) > reach).any(axis=-1)] = np.nan
    ax.plot_surface(
        *np.moveaxis(B, -1, 0), color="#9fc3e6", alpha=0.42, linewidth=0, shade=False, rcount=160, ccount=200
    )
    ring = corners[[0, 1, 3, 2, 0]]
    ax.plot_trisurf(*ring[:4].T, triangles=[(0, 1, 2), (0, 2, 3)], color="#d2691e", alpha=0.2)
    ax.plot(*ring.T, color="#d2691e", lw=1)
    for curve in curves:
        ax.plot(*curve.T, color="#202020", lw=2.6)
    (xlim, ylim, zlim) = np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)
    ax.set(xlabel="B1", ylabel="B2", zlabel="B3", xlim=xlim, ylim=ylim, zlim=zlim)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color("white")
    ax.set_title("the boundary: a plane cuts the surface of equation (69)")
    ax.view_init(24, -58)
    ax.set_box_aspect(None, zoom=1.12)
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "b_space")
