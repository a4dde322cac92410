"""A page that an engineer leaves open: live pictures, scores and thresholds, verdicts, counters, rejected frames."""

from .dashboard import Dashboard
from .settings import DashboardSettings, dashboard_settings

__all__ = ["Dashboard", "DashboardSettings", "dashboard_settings"]
