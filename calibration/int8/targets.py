"""What each kind of engine needs of an INT8 graph: one calibration serves all of them, the data types differ.

Measured and read facts as data; ``placement.py``, ``quantize.py`` and the lowering of a build follow them.
"""

from dataclasses import dataclass

from dgiqa_edge.runtime.errors import ConfigurationError


@dataclass(frozen=True)
class Target:
    """Shape of the explicit quantization an engine runs fast and right.

    Attributes:
        unsigned_activations: uint8 affine activations; otherwise int8 with zero point 0.
        unsigned_weights: weights stored as uint8 around 128, on the same symmetric grid; otherwise int8.
        quantizes_conv_outputs: a quantize/dequantize pair follows each quantized convolution, and each node between
            such convolutions that computes in INT8 as well (``placement.py``).
        whole_levels: the frame's bytes stay bytes where that is exact (``whole_levels.py``).
        integer_bias: biases are int32 with scale activation x weight; otherwise float32.
        float_part: what the networks' other nodes compute in: ``fp16`` where half precision is fast, else ``fp32``.
        narrowest_product: MatMul and Gemm with fewer rows or columns of weights than this stay float.
        reason: why it is so.
    """

    name: str
    unsigned_activations: bool
    unsigned_weights: bool
    quantizes_conv_outputs: bool
    whole_levels: bool
    integer_bias: bool
    float_part: str
    narrowest_product: int
    reason: str


TARGETS = (
    Target(
        "onnxruntime",
        unsigned_activations=True,
        unsigned_weights=True,
        quantizes_conv_outputs=True,
        whole_levels=True,
        integer_bias=True,
        float_part="fp32",
        narrowest_product=1,
        reason="its CPU kernels are fast for uint8 activations only; on x86 without VNNI the uint8 x int8 ones add "
        "two products in 16 bits and saturate without a word (nano's scores moved by 0.062 on average, 0.010 with "
        "uint8 weights, whose kernels do not; where a processor has VNNI, the runtime opens the graph with int8 "
        "weights); a Conv becomes QLinearConv "
        "only between integer tensors with an int32 bias; MatMul and Gemm need no quantized output, but a float bias "
        "makes it fuse MatMul and Add into a float Gemm; OpenVINO runs the same file, and "
        "faster than one with signed activations",
    ),
    Target(
        "tensorrt",
        unsigned_activations=False,
        unsigned_weights=False,
        quantizes_conv_outputs=False,
        whole_levels=False,
        integer_bias=False,
        float_part="fp16",
        narrowest_product=16,
        reason="TensorRT accepts zero point 0 only, reads a uint8 input by a Cast only, and fuses float biases and "
        "epilogues itself; it fuses no attention that is in FP32, and no tensor core takes a product narrower than 16",
    ),
)


def target_named(name: str) -> Target:
    """Look up a target.

    Raises:
        ConfigurationError: there is no such target.
    """
    for target in TARGETS:
        if target.name == name:
            return target
    known = ", ".join(target.name for target in TARGETS)
    raise ConfigurationError(f"unknown INT8 target {name!r}: choose one of {known}")
