"""Our reading of JSON Schema against the reference implementation, and the words of what it finds."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from dgiqa_edge.runtime.ground.json_schema import JsonSchema

SCHEMAS = (ROOT / "runtime/schemas/bundle.schema.json", ROOT / "benchmarks/schemas/report.schema.json")

# Where 1.0 is no integer, as our docstring says.
Reference = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
LEAVES = st.sampled_from([None, True, False, 0, 1, 2, 7, 1.0, 1.5, "", "a", "ab", "b\n", "b"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner), max_leaves=6
)
RULES = st.recursive(
    st.sampled_from(
        [
            {},
            {"type": "integer"},
            {"type": "number", "minimum": 1, "maximum": 2},
            {"type": ["string", "null"]},
            {"type": "boolean"},
            {"const": 1},
            {"enum": [True, "a", None]},
            {"minLength": 2},
            {"pattern": "^[ab]+$"},
            {"$ref": "#/definitions/small"},
            {"minItems": 1, "maxItems": 2},
            {"minProperties": 1},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3), "type": st.just("object")}),
        st.fixed_dictionaries(
            {
                "properties": st.dictionaries(st.sampled_from("xy"), inner),
                "additionalProperties": inner | st.just(False),
            },
            optional={"required": st.just(["x"])},
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(RULES, VALUES)
def test_it_agrees_with_the_reference_implementation(rules, value):
    schema = {"definitions": {"small": {"type": "integer", "maximum": 5}}, **rules}
    if "$ref" in rules:
        schema = {"definitions": schema["definitions"], "anyOf": [rules]}
    expected = Reference(schema).is_valid(value)
    if "b\n" in json.dumps(value).replace("\\n", "\n"):
        return  # "$" means the end of the text to us, to Python's patterns also the end of its last line
    assert (JsonSchema(schema, "it").broken_rule(value) is None) == expected


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_the_schemas_that_ship_use_nothing_else(file):
    JsonSchema(json.loads(file.read_text(encoding="utf-8")), "it")


@pytest.mark.parametrize(
    ("rules", "value", "words"),
    [
        ({"type": "object"}, [], "the file must be object"),
        ({"type": ["string", "null"]}, True, "the file must be string or null"),
        ({"items": {"type": "number"}}, [1.5, True], "field '[1]' must be number"),
        ({"type": "integer"}, 480.0, "the file must be integer"),
        (
            {"properties": {"a": {"properties": {"b": {"minimum": 1}}}}},
            {"a": {"b": 0}},
            "field 'a.b' must be bigger than",
        ),
        ({"required": ["x", "y"]}, {}, "the file lacks 'x', 'y'"),
        ({"additionalProperties": False}, {"z": 1}, "the file has the unknown 'z'"),
        ({"pattern": "^b$"}, "b\n", "the file must match pattern ^b$"),
        ({"minItems": 2}, [1], "the file must contain at least 2 items"),
        ({"oneOf": [{}, {"minimum": 0}]}, 1, "the file is of two kinds at once"),
    ],
)
def test_it_says_which_rule_is_broken_and_where(rules, value, words):
    assert JsonSchema(rules, "the file").broken_rule(value).startswith(words)


def test_a_keyword_that_it_does_not_know_is_refused_wherever_it_stands():
    with pytest.raises(ValueError, match="unknown keyword multipleOf"):
        JsonSchema({"items": {"anyOf": [{"multipleOf": 2}]}}, "it")
