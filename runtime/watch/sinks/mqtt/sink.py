"""The settings of the mqtt sink, and its queue. Filter options choose frames; state, faults and availability follow
every change of the cameras chosen.
"""

from collections.abc import Callable
from pathlib import Path

from ....backoff import BackoffPolicy
from ....errors import ConfigurationError
from ....settings.credentials import shown_address
from ....settings.secret import secret_option
from ....settings.section import Section
from ...status import RunningBundle, WatchStatus
from ..event_filter import filter_options
from ..protocol import Sink
from ..queued import QueuedSink, QueuePolicy, queue_options
from ..registry import Planned
from .broker import MqttBroker
from .client import MqttSettings, reached

_POLICY = QueuePolicy(size=256, when_full="oldest", attempts=3, backoff=BackoffPolicy(first_s=0.2, longest_s=5.0))


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``host``, ``port`` (1883, with ``tls`` 8883), ``topic`` (dgiqa-edge), ``qos`` (1), ``frames`` (true),
    ``discovery`` (false), ``discovery_prefix`` (homeassistant), ``onvif`` (false), ``username``, ``password`` (also
    ``password_file``, ``password_env``), ``tls`` (false), ``ca_file``, ``timeout_s`` (5), ``attempts`` (3), filter and
    queue options.
    """
    tls = options.flag("tls", False)
    settings = MqttSettings(
        host=_host(options),
        port=options.integer("port", 8883 if tls else 1883, low=1, high=65535),
        topic=_levels(options, "topic", "dgiqa-edge"),
        qos=options.integer("qos", 1, low=0, high=2),
        frames=options.flag("frames", True),
        discovery=_discovery(options),
        onvif=options.flag("onvif", False),
        username=options.optional_text("username"),
        password=secret_option(options, "password", folder),
        tls=tls,
        ca_file=options.optional_path("ca_file", folder),
        timeout_s=options.number("timeout_s", 5.0, low=0.1, high=300.0),
    )
    events = filter_options(options, outcomes=("scored",))
    policy = queue_options(options, _POLICY, with_attempts=True)

    def open_sink() -> Sink:
        return _MqttSink(name, MqttBroker(settings, events), policy)

    return Planned(open_sink, lambda limit_s: reached(settings, min(limit_s, settings.timeout_s)))


class _MqttSink(QueuedSink):
    """A queue before a broker that is also told, beside the queue, which cameras there are and which bundle runs."""

    def __init__(self, name: str, broker: MqttBroker, policy: QueuePolicy) -> None:
        super().__init__(name, broker, policy)
        self._broker = broker

    def follow(self, status: Callable[[], WatchStatus]) -> None:
        self._broker.status = status

    def bring(self, topics: frozenset[str], tell: Callable[[str, str], None]) -> None:
        self._broker.bring(topics, tell)

    def follow_bundle(self, running: RunningBundle) -> None:
        self._broker.tell_bundle(running)


def _host(options: Section) -> str:
    """A name or address; in brackets, as in addresses, an IPv6 one is taken as well."""
    host = options.text("host").removeprefix("[").removesuffix("]")
    if "/" in host or "@" in host or host.count(":") == 1:
        raise ConfigurationError(
            f"{options.path_of('host')} is {shown_address(host)!r}: give the host alone, beside port and username"
        )
    return host


def _discovery(options: Section) -> str | None:
    prefix = _levels(options, "discovery_prefix", "homeassistant")
    return prefix if options.flag("discovery", False) else None


def _levels(options: Section, key: str, default: str) -> str:
    levels = options.text(key, default).strip("/")
    if not levels or any(character in levels for character in "+#\0") or levels.startswith("$"):
        raise ConfigurationError(
            f"{options.path_of(key)} is {levels!r}: give levels without '+', '#' and a leading '$'"
        )
    return levels
