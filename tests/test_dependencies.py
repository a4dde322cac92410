"""Licences and bill of materials: what metadata states is read, what is refused stops a release, nothing is unknown."""

import json

import dependencies
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from dependencies import LicenceError, Package, Pin
from packaging.markers import default_environment
from resolutions import PINS, SETUP

PINNED = dependencies.pins(PINS["desktop"].read_text(encoding="utf-8"))
INSTALLED = {pin.name: dependencies.installed(pin.name) for pin in PINNED}


@pytest.mark.parametrize("extra", ["cpu", "watch", "openvino"])
def test_what_the_runtime_needs_here_is_under_no_strong_copyleft(extra):
    """Of metadata that is installed; ``make dist`` asks the index for the other Pythons and extras, as TensorRT's."""
    wanted = [*SETUP["install_requires"], *SETUP["extras_require"][extra]]
    names = dependencies.needed(wanted, INSTALLED, default_environment())
    assert names >= {"numpy", "opencv-python-headless"}
    kinds = {name: dependencies.kind(INSTALLED[name].licence) for name in names}
    assert {name: kind for name, kind in kinds.items() if kind not in ("permissive", "weak copyleft")} == {}


def test_every_pin_is_read_with_its_marker():
    text = "# a comment\nContour.Py==1.2 ; python_full_version < '3.11'\ncontour-py==1.3\n"
    assert dependencies.pins(text) == [
        Pin("contour-py", "1.2", "python_full_version < '3.11'"),
        Pin("contour-py", "1.3", ""),
    ]
    assert len(PINNED) > 100


BSD, APACHE, GPL = (
    f"License :: OSI Approved :: {name}"
    for name in ("BSD License", "Apache Software License", "GNU General Public License (GPL)")
)


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"license_expression": "MIT OR Apache-2.0", "license": "GPL"}, "MIT OR Apache-2.0"),
        ({"license": "Apache 2.0"}, "Apache-2.0"),
        ({"license": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT"),
        ({"license": "Copyright (c) 2015\nAll rights reserved.", "classifier": [BSD]}, "LicenseRef-BSD"),
        ({"license": "BSD-3-Clause", "classifier": [BSD]}, "BSD-3-Clause"),
        ({"classifier": ["Topic :: Video", APACHE]}, "Apache-2.0"),
        ({"name": "mlcommons_loadgen"}, "Apache-2.0"),
        ({"classifier": [BSD, GPL]}, "GPL-1.0-or-later"),
        ({"license": "MIT", "classifier": [GPL]}, None),
        ({"license": "Dual License", "classifier": [APACHE, GPL]}, None),
        ({"license": "as I like"}, None),
        ({}, None),
    ],
)
def test_a_licence_is_read_of_metadata_or_asked_for(said, licence):
    said = {"name": "a", **said}
    if licence is None:
        with pytest.raises(LicenceError, match=r"^a states its licence as .* file it in tests/licences\.toml"):
            dependencies.from_metadata(said)
    else:
        assert dependencies.from_metadata(said).licence == licence


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("MIT", "permissive"),
        ("Apache-2.0 WITH LLVM-exception AND BSL-1.0", "permissive"),
        ("EPL-2.0 OR BSD-3-Clause", "permissive"),
        ("MPL-2.0 AND MIT", "weak copyleft"),
        ("LGPL-2.1-or-later", "weak copyleft"),
        ("LicenseRef-NVIDIA", "proprietary"),
        ("GPL-3.0-or-later", "strong copyleft"),
        ("AGPL-3.0-only OR MIT", "permissive"),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", "strong copyleft"),
    ],
)
def test_of_two_licences_the_right_one_counts(expression, kind):
    assert dependencies.kind(expression) == kind


def test_a_licence_that_nobody_filed_is_an_error():
    with pytest.raises(LicenceError, match=r"SSPL-1\.0 is not in tests/licences\.toml: read it"):
        dependencies.kind("MIT AND SSPL-1.0")


FAKES = {
    "a": Package("MIT", ("b[fast]>=1", "c; python_version < '3'", "d; extra == 'more'")),
    "b": Package("MIT", ("e; extra == 'fast'", "f; extra == 'slow'", "A")),
    "e": Package("MIT", ()),
}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [(["a"], {"a", "b", "e"}), (["a[more]"], {"a", "b", "d", "e"}), (["b"], {"a", "b", "e"}), (["g"], {"g"})],
)
def test_what_is_needed_follows_extras_and_markers(wanted, names):
    assert dependencies.needed(wanted, FAKES, default_environment()) == names


def test_a_strong_copyleft_is_refused_in_the_runtime_alone(monkeypatch):
    pins = [Pin("old", "1", "python_version < '3.11'"), Pin("new", "1", ""), Pin("tool", "1", "")]
    packages = dict(
        zip(pins, [Package("GPL-3.0-only", ()), Package("MIT", ()), Package("AGPL-3.0-only", ())], strict=True)
    )
    extras = {extra: [] for extra in dependencies.RUNTIME} | {"dev": ["tool"]}
    extras["cpu"] = ["old; python_version < '3.11'", "new"]
    monkeypatch.setattr(dependencies, "SETUP", {"install_requires": [], "extras_require": extras})
    found = dependencies.of_extras(packages)
    assert found["cpu"] == {*pins[:2]} and found["dev"] == {pins[2]}
    (problem,) = dependencies.refusals(packages, found)
    assert problem == "old 1 (GPL-3.0-only), of the extra cpu: the runtime takes no strong copyleft"
    assert "| tool | 1 | AGPL-3.0-only | strong copyleft | dev |" in dependencies.table(packages, found)
    extras["watch"] = ["unpinned"]
    with pytest.raises(LicenceError, match=r"does not pin unpinned \(extra watch, Python 3\.10\): make constraints"):
        dependencies.of_extras(packages)


def test_every_extra_of_the_runtime_is_one_of_setup():
    assert set(dependencies.RUNTIME) <= SETUP["extras_require"].keys()


def test_the_bill_has_every_pin_and_is_the_same_each_time():
    packages = {pin: INSTALLED[pin.name] or Package("MIT", ()) for pin in PINNED}
    text = dependencies.bill(packages, 1_700_000_000)
    assert text == dependencies.bill(packages, 1_700_000_000)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert {(one["name"], one["version"]) for one in bill["components"]} == {pin[:2] for pin in PINNED}
    needs = {one["ref"].partition("@")[0]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert {url.partition("@")[0] for url in needs["pkg:pypi/jinja2"]} == {"pkg:pypi/markupsafe"}
    assert any(url.startswith("pkg:pypi/onnxruntime@") for url in needs["pkg:pypi/dgiqa-edge"])


def test_a_bill_that_breaks_its_schema_is_not_written(monkeypatch):
    monkeypatch.setattr(JsonStrictValidator, "validate_str", lambda self, text: "'x' is no licence\n...")
    with pytest.raises(LicenceError, match=r"breaks its schema: 'x' is no licence$"):
        dependencies.bill({Pin("numpy", "1", ""): Package("MIT", ())}, 0)
