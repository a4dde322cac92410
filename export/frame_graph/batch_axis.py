"""The batch axis: a finished graph of one frame, rewritten to take several at once, each of them on its own.

It comes last, when precision is written into the graph, so it changes no decision: the nodes, weights and Q/DQ pairs
stay. Every tensor that depends on the frame holds the rows of its batch one behind the other along its first axis:
what was [a, b, c] is [N * a, b, c]. An operator that leaves the first axis alone takes it like that; for another the
rows come out as an axis of their own, [N, a, b, c], and its axes move one back. So no operator sees two rows at once,
whatever it does to its own; ``jax.vmap`` works by the same rule. An operator that is in no table here is refused.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.calibration.int8.graph_tensors import attribute, constant_tensors, drop_unread, label
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.errors import ExportError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

BATCH_KEY = "batch"
"""Of the model's metadata: the range, as ``--batch`` writes it."""
_SYMBOL = "N"
_FLOAT = 1  # onnx.TensorProto.FLOAT

_SAME_MEMORY = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}
_ELEMENTWISE = {
    *("Add", "Cast", "Clip", "DequantizeLinear", "Div", "Erf", "Exp", "Floor", "Identity", "Max", "Min", "Mul", "Neg"),
    *("Pow", "QuantizeLinear", "Relu", "Round", "Sigmoid", "Sqrt", "Sub", "Tanh", "Where"),
}
_IMAGES = {"AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool", "MaxPool"}
"""What reads [V, C, h, w], each of the V on its own, with weights that depend on no frame."""
_REDUCTIONS = {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"}
_ALONG_AN_AXIS = {"Concat": 0, "Gather": 0, "LayerNormalization": -1, "LogSoftmax": -1, "Softmax": -1, "Split": 0}
"""The axis where the attribute is absent."""


def open_axis(model: "ModelProto", batch: BatchRange) -> "ModelProto":
    """A copy of ``model`` with the batch as the first axis of every input and output.

    Args:
        model: a graph of one frame, with fixed shapes; as it is where the batch is one frame.
        batch: as many rows at once; from 1 up: as many as the axis, which has a name instead of a number.

    Raises:
        ExportError: an operator mixes rows in a way that cannot be undone here, or is not known; the node is named.
    """
    if batch == BatchRange():
        return model
    return _Rewriter(model, batch).rewritten()


def batch_of(model: "ModelProto") -> BatchRange | None:
    """What ``open_axis`` made of a graph; None where it takes one frame."""
    for entry in model.metadata_props:
        if entry.key == BATCH_KEY:
            least, _, most = entry.value.rpartition("..")
            return BatchRange(int(least or most), int(most))
    return None


class _Rewriter:
    """One graph being rewritten. A tensor has up to two forms, made when they are needed: *folded*, under its own name,
    the rows one behind the other along the first axis; *apart*, the rows as an axis in front.

    ``shapes`` are those of one frame, ``rows`` the tensors that depend on it, ``made`` the forms that there are.
    """

    def __init__(self, model: "ModelProto", batch: BatchRange) -> None:
        import onnx

        self.model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        self.batch = batch
        graph = self.model.graph
        values = (*graph.value_info, *graph.input, *graph.output)
        self.shapes = {one.name: [side.dim_value for side in one.type.tensor_type.shape.dim] for one in values}
        self.types = {one.name: one.type.tensor_type.elem_type for one in values}
        self.constants = constant_tensors(graph)
        self.shapes |= {name: list(tensor.dims) for name, tensor in self.constants.items()}
        self.first_input = graph.input[0].name
        self.rows = {one.name for one in graph.input if one.name not in self.constants}
        self.made = set(self.rows)
        self.nodes: list[NodeProto] = []

    def rewritten(self) -> "ModelProto":
        import onnx

        graph = self.model.graph
        for node in graph.node:
            if self.rows.isdisjoint(node.input):
                self.nodes.append(node)
                continue
            rule = self._rule(node)
            self.rows.update(node.output)
            rule(node)
        for value in (*graph.input, *graph.output):
            self._folded(value.name)
            side = value.type.tensor_type.shape.dim[0]
            if side.dim_value != 1:
                raise ExportError(f"{value.name} does not begin with an axis of one frame: it cannot take a batch")
            if self.batch.fixed:
                side.dim_value = self.batch.most
            else:
                side.dim_param = _SYMBOL
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self.nodes)
        drop_unread(graph)
        kept = {entry.key: entry.value for entry in self.model.metadata_props}
        onnx.helper.set_model_props(self.model, {**kept, BATCH_KEY: str(self.batch)})
        return self.model

    def _rule(self, node: "NodeProto") -> "Callable[[NodeProto], None]":
        for operators, rule in (
            (_SAME_MEMORY, self._same_memory),
            (_ELEMENTWISE, self._elementwise),
            (_IMAGES, self._image),
            (_REDUCTIONS, self._reduce),
            (_ALONG_AN_AXIS, self._along_an_axis),
            ({"MatMul"}, self._product),
            ({"Gemm"}, self._affine),
            ({"Transpose"}, self._transpose),
            ({"Slice"}, self._slice),
            ({"Expand"}, self._expand),
            ({"Resize"}, self._resize),
        ):
            if node.op_type in operators:
                return rule
        raise self._refusal(node, "it is not known what it does to the rows of a batch")

    # Forms.

    def _folded(self, name: str) -> str:
        """The tensor with its rows one behind the other along its first axis; a constant as it is."""
        if name in self.rows and name not in self.made:
            self._reshape(_apart(name), name, self._folded_shape(name))
        return name

    def _apart(self, name: str, rank: int | None = None) -> str:
        """The tensor with its rows as an axis before ``rank`` others, None for those it has; a constant as it is."""
        if name not in self.rows:
            return name
        shape = self.shapes[name]
        ones = [1] * ((rank or len(shape)) - len(shape))
        form = _apart(name, len(ones))
        if form not in self.made:
            self._reshape(self._either(name), form, [self._length(1), *ones, *shape])
        return form

    def _either(self, name: str) -> str:
        """A form that there is; both are the same memory."""
        return name if name in self.made else _apart(name)

    def _folded_shape(self, name: str) -> list[int]:
        first, *others = self.shapes[name] or [1]
        return [self._length(first), *others]

    def _length(self, of_one: int) -> int:
        """Of an axis that has ``of_one`` in a frame; -1, Reshape's word for the rest, where the axis is open."""
        return self.batch.most * of_one if self.batch.fixed else -1

    # Rules.

    def _same_memory(self, node: "NodeProto") -> None:
        name = node.output[0]
        self._reshape(self._either(node.input[0]), name, self._folded_shape(name), label(node))

    def _elementwise(self, node: "NodeProto") -> None:
        out = self.shapes[node.output[0]]
        if all(self._begins_like(name, out) for name in node.input if name):
            self._add(node)
        else:
            self._add(node, [self._apart(name, len(out)) for name in node.input], apart=True)

    def _product(self, node: "NodeProto") -> None:
        left, right = node.input
        out = self.shapes[node.output[0]]
        if min(len(self.shapes[left]), len(self.shapes[right])) < 2:
            raise self._refusal(node, "it multiplies by a vector")
        rows_of_left = len(out) == 2 and right not in self.rows
        if rows_of_left or (len(out) > 2 and self._begins_like(left, out) and self._begins_like(right, out)):
            self._add(node)
        else:
            self._add(node, [self._apart(name, len(out)) for name in node.input], apart=True)

    def _begins_like(self, name: str, out: Sequence[int]) -> bool:
        """Whether the tensor, folded, broadcasts to a folded result that has the shape ``out`` for one frame."""
        shape = self.shapes[name]
        if name in self.rows:
            return len(shape) == len(out) and shape[:1] == list(out[:1])
        return len(shape) < len(out) or shape[:1] in ([], [1])

    def _affine(self, node: "NodeProto") -> None:
        bias = self.shapes[node.input[2]] if len(node.input) > 2 else []
        if not self._alone(node) or attribute(node, "transA", 0) or (len(bias) == 2 and bias[0] != 1):
            raise self._refusal(node, "it is no product of rows with constant weights")
        self._add(node)

    def _image(self, node: "NodeProto") -> None:
        if not self._alone(node):
            raise self._refusal(node, "its weights depend on the frame")
        self._add(node)

    def _resize(self, node: "NodeProto") -> None:
        """By scales: sizes would name the number of rows."""
        if not self._alone(node) or self.shapes[node.input[0]][0] != self.shapes[node.output[0]][0]:
            raise self._refusal(node, "it resizes the first axis")
        inputs = list(node.input)
        if len(inputs) > 3 and inputs[3]:
            lengths = zip(self.shapes[inputs[0]], self.shapes[node.output[0]], strict=True)
            inputs[2:] = [self._constant(np.array([_scale(*pair) for pair in lengths], np.float32))]
        self._add(node, inputs)

    def _transpose(self, node: "NodeProto") -> None:
        order = attribute(node, "perm", list(range(len(self.shapes[node.input[0]])))[::-1])
        if order[0] == 0:
            self._add(node)
        else:
            self._add(node, [self._apart(node.input[0])], apart=True, perm=[0, *(axis + 1 for axis in order)])

    def _reduce(self, node: "NodeProto") -> None:
        name, *given = node.input
        shape = self.shapes[name]
        stated = self._numbers(given[0]) if given else attribute(node, "axes", [])
        axes = sorted(axis % len(shape) for axis in stated or range(len(shape)))
        lines = axes == list(range(axes[0], axes[-1] + 1)) and prod(shape[: axes[0]]) == 1
        adds = node.op_type in ("ReduceMean", "ReduceSum") and self.types.get(name) == _FLOAT
        if adds and lines and prod(shape[axes[-1] + 1 :]) > 1:
            self._added_by_product(node, prod(shape[axes[0] : axes[-1] + 1]))
        elif 0 not in axes:
            self._add(node)
        else:
            moved = [axis + 1 for axis in axes]
            if node.op_type == "ReduceSum":  # the one that takes them as a tensor at opset 17
                self._add(node, [self._apart(name), self._constant(np.array(moved, np.int64))], apart=True)
            else:
                self._add(node, [self._apart(name)], apart=True, axes=moved)

    def _added_by_product(self, node: "NodeProto", count: int) -> None:
        """The mean or the sum of ``count`` lines, for each of a line's numbers, as a product; of FP32 alone.

        ONNX Runtime adds them up in another order for one row than for several, so that a frame's last bits would
        depend on how many are beside it. FP16 is for GPUs, where a product would add up in FP16.
        """
        import onnx

        name, out = node.input[0], node.output[0]
        ones = self._constant(np.ones((1, count), np.float32), f"ones_{count}")  # exact in TF32, too
        lines, total = f"{out}/lines", f"{out}/total"
        self._reshape(self._either(name), lines, [self._length(1), count, prod(self.shapes[name]) // count])
        self.nodes.append(onnx.helper.make_node("MatMul", [ones, lines], [total], name=label(node)))
        if node.op_type == "ReduceMean":
            share = self._constant(np.array([1.0 / count], np.float32))
            mean = f"{out}/mean"
            self.nodes.append(onnx.helper.make_node("Mul", [total, share], [mean], name=mean))
            total = mean
        self._reshape(total, out, self._folded_shape(out))

    def _along_an_axis(self, node: "NodeProto") -> None:
        operator = node.op_type
        axis = attribute(node, "axis", _ALONG_AN_AXIS[operator]) % len(self.shapes[node.input[0]])
        inputs = list(node.input)
        if operator == "Concat":
            inputs = [self._repeated(name) for name in inputs]
        elif not self._alone(node):
            raise self._refusal(node, "more than its first input depends on the frame")
        if axis:
            self._add(node, inputs)
        else:
            self._add(node, [self._apart(name) for name in inputs], apart=True, axis=1)

    def _slice(self, node: "NodeProto") -> None:
        data, starts, *others = node.input
        rank = len(self.shapes[data])
        axes = self._numbers(others[1]) if len(others) > 1 and others[1] else list(range(len(self._numbers(starts))))
        axes = [axis % rank for axis in axes]
        if 0 not in axes:
            self._add(node)
            return
        moved = self._constant(np.array([axis + 1 for axis in axes], np.int64))
        self._add(node, [self._apart(data), starts, others[0], moved, *others[2:]], apart=True)

    def _expand(self, node: "NodeProto") -> None:
        name, out = node.input[0], self.shapes[node.output[0]]
        self._add(node, [self._apart(name, len(out)), self._constant(np.array([1, *out], np.int64))], apart=True)

    # Nodes.

    def _add(
        self, node: "NodeProto", inputs: "Sequence[str] | None" = None, apart: bool = False, **changed: Any
    ) -> None:
        """The node once more: folded, or with the inputs as given and its result apart, with changed attributes."""
        import onnx

        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        names = [name if apart else self._folded(name) for name in (node.input if inputs is None else inputs)]
        outputs = [_apart(name) if apart and self.shapes[name] else name for name in node.output]
        del copy.input[:], copy.output[:]
        copy.input.extend(names)
        copy.output.extend(outputs)
        for name, value in changed.items():
            for index in [place for place, one in enumerate(copy.attribute) if one.name == name]:
                del copy.attribute[index]
            copy.attribute.append(onnx.helper.make_attribute(name, value))
        self.nodes.append(copy)
        self.made.update(outputs)

    def _reshape(self, source: str, result: str, shape: Sequence[int], name: str = "") -> None:
        import onnx

        inputs = [source, self._constant(np.array(shape, np.int64))]
        self.nodes.append(onnx.helper.make_node("Reshape", inputs, [result], name=name or f"{result}/Reshape"))
        self.made.add(result)

    def _repeated(self, name: str) -> str:
        """A constant once for every row."""
        import onnx

        if name in self.rows:
            return name
        result, shape = f"{name}/repeated", self.shapes[name]
        if result not in self.rows:
            if self.batch.fixed:
                wanted = self._constant(np.array([self.batch.most, *shape], np.int64))
            else:
                count, wanted = f"{result}/count", f"{result}/shape"
                sides = self._constant(np.array(shape, np.int64))
                of_batch = onnx.helper.make_node("Shape", [self.first_input], [count], name=count, start=0, end=1)
                joined = onnx.helper.make_node("Concat", [count, sides], [wanted], name=wanted, axis=0)
                self.nodes += [of_batch, joined]
            self.nodes.append(onnx.helper.make_node("Expand", [name, wanted], [_apart(result)], name=result))
            self.rows.add(result)
            self.made.add(_apart(result))
            self.shapes[result] = shape
        return result

    def _constant(self, values: np.ndarray, what: str = "") -> str:
        from onnx import numpy_helper

        name = f"batch_axis/{values.dtype}/{what or '_'.join(map(str, values.tolist()))}"
        if name not in self.constants:
            tensor = self.constants[name] = numpy_helper.from_array(values, name)
            self.shapes[name] = list(values.shape)
            self.model.graph.initializer.append(tensor)
        return name

    def _numbers(self, name: str) -> list[int]:
        from onnx import numpy_helper

        return numpy_helper.to_array(self.constants[name]).reshape(-1).tolist()  # type: ignore[no-any-return]

    def _alone(self, node: "NodeProto") -> bool:
        """Whether the node's first input is the only one that depends on the frame."""
        return self.rows.isdisjoint(node.input[1:])

    def _refusal(self, node: "NodeProto", why: str) -> ExportError:
        return ExportError(f"{label(node)} ({node.op_type}) cannot take a batch: {why}; build without --batch")


def _apart(name: str, ones: int = 0) -> str:
    return f"{name}/rows{'_1' * ones}"


def _scale(source: int, destination: int) -> np.float32:
    """The factor that takes one length to the other, in whole numbers after rounding down."""
    scale = np.float32(destination) / np.float32(source)
    return scale if int(float(scale) * source) == destination else np.nextafter(scale, np.float32(np.inf))
