"""Formulas as MathML, which browsers draw themselves: pages need no script from elsewhere, and no network."""

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

INLINE, DISPLAYED = "<math ", '<math display="block" '


def draw_inline(writer: Any, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def draw_displayed(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own; `static/pages.css` says where."""
    formula = tex2mathml(node.astext()).replace(INLINE, DISPLAYED, 1)
    writer.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx asks an extension for."""
    app.add_html_math_renderer("mathml", (draw_inline, None), (draw_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
