"""The processor's identity, read from what Linux prints on x86 and Arm."""

import pytest

from dgiqa_edge.runtime.machine.processor import features_from_cpuinfo, platform_name, processor, processor_from_cpuinfo

X86 = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512f\n\nmodel name\t: Other\n"
ORIN = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n"


@pytest.mark.parametrize(("text", "model"), [(X86, "Some CPU @ 2 GHz"), (ORIN, "Arm 0x41 0xd42")])
def test_models(text: str, model: str) -> None:
    assert processor_from_cpuinfo(text).model == model


def test_the_same_name_with_other_instructions_is_another_processor() -> None:
    weaker = processor_from_cpuinfo(X86.replace(" avx512f", ""))
    assert weaker.model == processor_from_cpuinfo(X86).model
    assert weaker.features_digest != processor_from_cpuinfo(X86).features_digest
    reordered = processor_from_cpuinfo(X86.replace("avx2 avx512f", "avx512f avx2"))
    assert reordered == processor_from_cpuinfo(X86)


def test_this_machine_has_a_name() -> None:
    assert processor().model
    assert processor_from_cpuinfo("").model
    assert "-" in platform_name()


VNNI = "processor\t: 0\nflags\t\t: fpu sse2 avx2 avx512f avx512_vnni\n\nprocessor\t: 1\nflags\t: fpu\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(VNNI, ["AVX2", "AVX512F", "AVX512-VNNI"]), (ARM, ["FP16", "dotprod"]), ("flags : fpu\n", []), ("", None)],
)
def test_cpu_features(text: str, expected: list[str] | None) -> None:
    assert features_from_cpuinfo(text) == expected
    assert processor_from_cpuinfo(text).dot_products == (text in (VNNI, ARM))
