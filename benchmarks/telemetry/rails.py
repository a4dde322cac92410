"""Which power rails of a Jetson add up to a total, and what the total covers.

Rails overlap on these boards: adding up everything that is printed counts some watts twice. Only the sets below are
totals; of any other set no total is given. Source: Jetson Linux Developer Guide, "Platform Power and Performance",
tables of INA3221 channels per module (r35 to r38).
"""

from .reading import PowerScope

# First match wins: a rail that measures the whole input before any sum of parts.
_TOTALS: tuple[PowerScope, ...] = (
    PowerScope(("VIN",), "whole module input (VIN)"),
    PowerScope(("VDD_IN",), "whole module input (VDD_IN)"),
    PowerScope(("POM_5V_IN",), "whole module input (POM_5V_IN)"),
    PowerScope(("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"), "GPU, SoC, CPU, CV and 5 V system rails of AGX Orin"),
    PowerScope(("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"), "the six rails of AGX Xavier"),
)


def jetson_total(rails: frozenset[str]) -> PowerScope | None:
    """The total that these rails allow; ``None`` where they are no documented set."""
    for scope in _TOTALS:
        if rails.issuperset(scope.rails):
            return scope
    return None
