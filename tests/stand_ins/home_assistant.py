"""A real Home Assistant with its MQTT integration alone, run by the Python that has it (``make home-assistant-test``).

``python home_assistant.py FOLDER PORT`` connects to the broker there and prints, whenever something has changed, one
line of JSON: ``states``, by entity what it shows and its attributes, and ``devices``.
"""

import asyncio
import json
import re
import sys
from types import MappingProxyType

# What its discovery takes of a topic behind the prefix; others it refuses with a warning.
TAKEN = re.compile(r"device/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")


async def main(folder: str, port: int) -> None:
    """Until it is killed."""
    from homeassistant import auth, bootstrap, config_entries, core, loader
    from homeassistant.helpers import device_registry

    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    await hass.async_start()
    entry = config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        minor_version=2,
        options={},
        source="user",
        subentries_data=None,
        title="broker",
        unique_id=None,
        version=1,
    )
    await hass.config_entries.async_add(entry)
    told = None
    while True:
        states = {it.entity_id: [it.state, dict(it.attributes)] for it in hass.states.async_all()}
        devices = [
            {"name": it.name, "model": it.model, "sw_version": it.sw_version}
            for it in device_registry.async_get(hass).devices.values()
        ]
        text = json.dumps({"states": states, "devices": devices}, default=str)
        if text != told:
            print(text, flush=True)
            told = text
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
