"""What ``dgiqa-edge gate tune`` found, as a table and as JSON."""

from collections.abc import Sequence
from typing import Any

from ..gate.policy import CHECKS, GatePolicy
from .thresholds import Proposal


def proposal_table(proposals: Sequence[Proposal], before: GatePolicy) -> str:
    """One line per check; ``before`` is the policy that was tuned."""
    header = ("check", "fault", "side", "reject", "accept", "good rejected", "bad caught", "area", "role")
    lines = ["{:<19}  {:<16}  {:<5}  {:>8}  {:>8}  {:>13}  {:>10}  {:>5}  {}".format(*header)]
    for proposal in proposals:
        limits, effect = proposal.limits, proposal.effect
        shares = ("-", "-") if effect is None else (f"{effect.false_reject:.1%}", f"{effect.caught:.1%}")
        lines.append(
            f"{proposal.check:<19}  {CHECKS[proposal.check].reason:<16}  {limits.side.value:<5}  "
            f"{_number(limits.reject):>8}  {_number(limits.accept):>8}  {shares[0]:>13}  {shares[1]:>10}  "
            f"{proposal.curve.area:5.3f}  {limits.role.value}{_news(proposal, before)}"
        )
    return "\n".join(lines)


def proposal_records(proposals: Sequence[Proposal]) -> dict[str, dict[str, Any]]:
    """By check, JSON-ready."""
    return {
        proposal.check: {
            "reject": proposal.limits.reject,
            "accept": proposal.limits.accept,
            "side": proposal.limits.side.value,
            "role": proposal.limits.role.value,
            "false_reject": proposal.effect.false_reject if proposal.effect else None,
            "caught": proposal.effect.caught if proposal.effect else None,
            "area": proposal.curve.area,
            "adopted": proposal.adopted,
        }
        for proposal in proposals
    }


def _news(proposal: Proposal, before: GatePolicy) -> str:
    was = before.limits[proposal.check].role
    if was is not proposal.limits.role:
        return f" (was {was.value})"
    return "" if proposal.adopted else " (thresholds kept)"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
