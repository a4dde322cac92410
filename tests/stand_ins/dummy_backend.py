"""A backend that is new to the house, whole in its one file: ONNX's reference evaluator."""

from dgiqa_edge.runtime.engines.backend import Backend, can_run, import_package
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine, check_version, facts_on_processor
from dgiqa_edge.runtime.engines.registry import contract
from dgiqa_edge.runtime.machine.packages import imported


def load(bundle, record, options):
    import_package("onnx", "pip install onnx")
    import onnx
    from onnx.reference import ReferenceEvaluator

    check_version(BACKEND, onnx.__version__, bundle, record)
    inputs, outputs = contract(bundle.manifest, record.role)
    graph = ReferenceEvaluator(str(bundle.path / record.file))
    names = [spec.name for spec in outputs]
    facts = facts_on_processor(BACKEND, onnx.__version__, bundle, record, options)
    return PortableEngine(
        record, facts, inputs, outputs, lambda given: dict(zip(names, graph.run(names, given), strict=True))
    )


BACKEND = Backend(
    name="dummy",
    title="Dummy Engine",
    extra="export",
    packages=("onnx",),
    runs_portable_graphs=True,
    options=("threads",),
    facts=lambda: {"dummy": imported("onnx")},
    capabilities=lambda survey: [can_run("dummy", notes=[f"onnx {survey.facts['dummy'].value}"])],
    load=load,
)
