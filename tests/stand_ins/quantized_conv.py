"""A convolution between integer tensors with uint8 weights, as the quantizer writes it for ONNX Runtime."""

import numpy as np
import onnx

GRAPH = """
    <ir_version: 8, opset_import: ["" : 17]>
    quantized (float[1,3,8,8] x) => (float[1,4,8,8] y) {
        x_quantized = QuantizeLinear(x, scale, x_zero)
        x_read = DequantizeLinear(x_quantized, scale, x_zero)
        weight_read = DequantizeLinear<axis = 0>(weight, weight_scale, weight_zero)
        bias_read = DequantizeLinear<axis = 0>(bias, weight_scale, bias_zero)
        conv = Conv<pads = [1, 1, 1, 1]>(x_read, weight_read, bias_read)
        y_quantized = QuantizeLinear(conv, scale, y_zero)
        y = DequantizeLinear(y_quantized, scale, y_zero)
    }
"""


def quantized_conv() -> onnx.ModelProto:
    """Input x, output y: float32 [1, 3, 8, 8] and [1, 4, 8, 8]."""
    model = onnx.parser.parse_model(GRAPH)
    random = np.random.default_rng(0)
    values = {
        "scale": np.float32(1.0),
        "x_zero": np.uint8(0),
        "y_zero": np.uint8(128),
        "weight": random.integers(1, 256, (4, 3, 3, 3), dtype=np.uint8),
        "weight_scale": np.full(4, 0.01, np.float32),
        "weight_zero": np.full(4, 128, np.uint8),
        "bias": random.integers(-100, 100, 4, dtype=np.int32),
        "bias_zero": np.zeros(4, np.int32),
    }
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in values.items())
    return model
