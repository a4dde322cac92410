"""The dashboard's settings: what is refused, and with which words."""

from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.dashboard import DashboardSettings, dashboard_settings

TOKEN = "a-token-of-enough-length"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.4", "nvr.local"])
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    with pytest.raises(ConfigurationError, match="set a token"):
        DashboardSettings(listen=ListenAddress(host, 8080))
    DashboardSettings(listen=ListenAddress(host, 8080), token=TOKEN)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"token": "short"}, "at least 16"),
        ({"listen": "0.0.0.0:8080"}, "set a token"),
        ({"listen": 8080}, "dashboard.listen"),
        ({"token_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
        ({"gallery": -1}, "dashboard.gallery"),
        ({"history": 3}, "did you mean 'history_minutes'"),
    ],
)
def test_a_wrong_setting_is_named(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        dashboard_settings(section, "dashboard")


def test_settings_from_a_section(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    section = {"listen": "0.0.0.0:80", "token_file": "token", "labels": "labels", "labels_mib": 3}
    settings = dashboard_settings(section, "dashboard", folder=tmp_path)
    expected = DashboardSettings(ListenAddress("0.0.0.0", 80), TOKEN, labels=tmp_path / "labels", labels_mib=3.0)
    assert settings == expected
    assert dashboard_settings({}, "dashboard", folder=tmp_path).labels is None
