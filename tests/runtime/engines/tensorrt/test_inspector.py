"""Both dialects of the inspector's JSON, with and without detailed verbosity.

The texts follow the shapes in TensorRT's documentation ("Engine Inspector"; "Migrating IEngineInspector Usage from
TensorRT 10.x to 11.x").
"""

import json
from typing import Any

import pytest

from dgiqa_edge.runtime.engines.tensorrt.inspector import Layer, parse
from dgiqa_edge.runtime.errors import EngineCompatibilityError

UP_TO_10 = {
    "Layers": [
        {
            "Name": "conv_0",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "frame", "Dimensions": [1, 3, 8, 8], "Format/Datatype": "Row major linear FP32"}],
            "Outputs": [
                {
                    "Name": "x",
                    "Location": "Device",
                    "Dimensions": [1, 8, 8, 8],
                    "Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format",
                }
            ],
            "ParameterType": "Convolution",
            "TacticName": "sm80_xmma_fprop",
        },
        {
            "Name": "norm",
            "LayerType": "kgen",
            "Outputs": [
                {"Name": "y", "Format": "Row major linear", "Datatype": "Half"},
                {"Name": "z", "Datatype": "Float"},
            ],
        },
    ],
    "Bindings": ["frame", "score"],
}
FROM_11 = {
    "Layers": [{"Name": "conv_0", "LayerType": "gemm", "Outputs": [{"Name": "x", "DataType": "BF16"}]}],
    "I/O Tensors": [
        {"Name": "frame", "IOMode": "Input", "DataType": "UInt8", "Dimensions": [1, 8, 8, 3], "Location": "Device"},
        {"Name": "score", "IOMode": "Output", "DataType": "Float", "Dimensions": [1], "Location": "Device"},
    ],
}


def test_the_dialect_up_to_10() -> None:
    found = parse(json.dumps(UP_TO_10))
    assert found.io_tensors == ("frame", "score")
    assert found.layers == (Layer("conv_0", "CaskConvolution", ("INT8",)), Layer("norm", "kgen", ("FP16", "FP32")))


def test_the_dialect_from_11() -> None:
    found = parse(json.dumps(FROM_11))
    assert found.io_tensors == ("frame", "score")
    assert found.layers == (Layer("conv_0", "gemm", ("BF16",)),)


def test_an_engine_built_without_details_gives_names() -> None:
    found = parse('{"Layers": ["conv_0", "norm"], "Bindings": ["frame"]}')
    assert found.layers == (Layer("conv_0", "", ()), Layer("norm", "", ()))


def test_a_layer_that_is_not_listed_has_its_name_alone() -> None:
    found = parse(json.dumps(UP_TO_10))
    assert found.of("conv_0").kind == "CaskConvolution"
    assert found.of("copied by the runtime") == Layer("copied by the runtime", "", ())


@pytest.mark.parametrize(
    "output",
    [{"Name": "x"}, {"Name": "x", "Format/Datatype": "N/A due to dynamic shapes"}, {"Name": "x", "Datatype": None}],
)
def test_a_number_format_that_is_not_stated_stays_empty(output: dict[str, Any]) -> None:
    assert parse(json.dumps({"Layers": [{"Name": "a", "Outputs": [output]}]})).layers[0].output_types == ("",)


@pytest.mark.parametrize("text", ["", "conv_0\nnorm", "[]", "{}", '{"Layers": {}}', '{"Layers": [}'])
def test_anything_else_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(EngineCompatibilityError, match="inspector"):
        parse(text)
