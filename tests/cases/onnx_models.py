"""Small ONNX models made on the spot."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

# The newest that the evaluator and the readers know alike.
OPSET = 21


def node(operator, *inputs, output="y", **attributes):
    """A node, by its operator, inputs and attributes."""
    return helper.make_node(operator, list(inputs), [output], **attributes)


def model(nodes, shape, constants=None, opset=OPSET, dtype=np.float64, outputs=("y",)):
    """A model from its nodes, from input "x" of `shape` to output "y"."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def saved(made, folder, name="model.onnx"):
    """The path of a model, written to a file."""
    path = folder / name
    onnx.save(made, path)
    return path


def evaluated(made, x):
    """The model's outputs at points (k, n), one at a time, each flattened."""
    (tensor,) = made.graph.input
    shape = [dim.dim_value or 1 for dim in tensor.type.tensor_type.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)
    run = ReferenceEvaluator(made).run
    return np.array([np.ravel(run(None, {"x": row.reshape(shape).astype(dtype)})[0]) for row in x])


def bfloat16(name, values):
    """A tensor of bfloat16."""
    return helper.make_tensor(name, TensorProto.BFLOAT16, np.shape(values), np.ravel(values))
