"""The dashboard's settings, and the rule that a page which others can reach needs a token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...settings.listen_address import LOOPBACK, ListenAddress, listen_option
from ...settings.secret import secret_option
from ...settings.section import Section

SHORTEST_TOKEN = 16
_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_urlsafe(24))' > dashboard.token"


@dataclass(frozen=True)
class DashboardSettings:
    """Where the page is and how much it remembers.

    Attributes:
        listen: loopback unless there is a token.
        token: asked of every visitor where there is one; at least 16 characters.
        history_minutes: of the score curve, per camera, one point a second.
        gallery: rejected frames kept per camera, as small pictures.
        labels: folder for frames of which somebody has said what they really were; ``None``: nobody can.
        labels_mib: most that it may hold.

    Raises:
        ConfigurationError: the address can be reached by others and there is no token, or it is too short.
    """

    listen: ListenAddress = field(default_factory=lambda: ListenAddress(LOOPBACK, 8080))
    token: str | None = field(default=None, repr=False)
    history_minutes: float = 30.0
    gallery: int = 24
    labels: Path | None = None
    labels_mib: float = 500.0

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise ConfigurationError(
                f"the dashboard's token has {len(self.token)} characters, at least {SHORTEST_TOKEN} are needed: "
                f"make one with {_MAKE_ONE}"
            )
        if self.token is None and not self.listen.is_loopback:
            raise ConfigurationError(
                f"the dashboard on {self.listen} could be opened by anybody on the network: set a token "
                f"(dashboard.token_file, made with {_MAKE_ONE}), or listen on {LOOPBACK}:{self.listen.port}"
            )


def dashboard_settings(section: Mapping[str, Any], where: str, *, folder: Path | None = None) -> DashboardSettings:
    """Options: ``listen`` (127.0.0.1:8080), ``token`` (better ``token_file`` or ``token_env``), ``history_minutes``
    (30), ``gallery`` (24), ``labels`` (none), ``labels_mib`` (500).

    Raises:
        ConfigurationError: an unknown option, a value that breaks its rule, or no token where one is needed.
    """
    options = Section(section, where)
    settings = DashboardSettings(
        listen=listen_option(options, f"{LOOPBACK}:8080"),
        token=secret_option(options, "token", folder or Path()),
        history_minutes=options.number("history_minutes", 30.0, low=1.0, high=24 * 60.0),
        gallery=options.integer("gallery", 24, low=0, high=500),
        labels=options.optional_path("labels", folder or Path()),
        labels_mib=options.number("labels_mib", 500.0, low=1.0, high=1 << 20),
    )
    options.finish()
    return settings
