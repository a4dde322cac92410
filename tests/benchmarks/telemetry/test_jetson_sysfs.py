"""A Jetson's sensors from a file tree laid out as the kernel's ABI documents describe it."""

import pytest

from dgiqa_edge.benchmarks.telemetry.jetson_sysfs import JetsonSysfsAdapter


def put(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def orin(tmp_path):
    """An Orin Nano: three rails and the chip's own sum, zones, GPU clock, fan, over-current counters, an alert."""
    monitor, zones, hwmon = "sys/class/hwmon/hwmon1", "sys/class/thermal", "sys/class/hwmon"
    put(
        tmp_path,
        {
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3\n",
            f"{monitor}/name": "ina3221\n",
            f"{monitor}/in1_label": "VDD_IN\n",
            f"{monitor}/in1_input": "5040\n",
            f"{monitor}/curr1_input": "1000\n",
            f"{monitor}/in2_label": "VDD_CPU_GPU_CV\n",
            f"{monitor}/in2_input": "5040\n",
            f"{monitor}/curr2_input": "200\n",
            f"{monitor}/in3_label": "NC\n",
            f"{monitor}/in3_input": "0\n",
            f"{monitor}/curr3_input": "0\n",
            f"{monitor}/in7_label": "sum of shunt voltages\n",
            f"{monitor}/in7_input": "1200\n",
            f"{hwmon}/hwmon2/name": "pwmfan\n",
            f"{hwmon}/hwmon2/pwm1": "128\n",
            f"{hwmon}/hwmon3/name": "soctherm_oc\n",
            f"{hwmon}/hwmon3/oc3_event_cnt": "2\n",
            f"{zones}/thermal_zone0/type": "cpu-thermal\n",
            f"{zones}/thermal_zone0/temp": "49500\n",
            f"{zones}/thermal_zone1/type": "cv0-thermal\n",
            f"{zones}/thermal_zone1/temp": "-256000\n",
            f"{zones}/cooling_device4/type": "gpu-throttle-alert\n",
            f"{zones}/cooling_device4/cur_state": "1\n",
            f"{zones}/cooling_device5/type": "pwm-fan\n",
            f"{zones}/cooling_device5/cur_state": "2\n",
            "sys/class/devfreq/17000000.gpu/cur_freq": "306000000\n",
        },
    )
    return tmp_path


def test_every_sensor_is_read_in_its_unit(orin):
    adapter = JetsonSysfsAdapter(orin)
    assert adapter.open() is None
    values = {str(channel): value for channel, value in adapter.read().items()}
    assert values == pytest.approx(
        {
            "power_w.VDD_IN": 5.04,
            "power_w.VDD_CPU_GPU_CV": 1.008,
            "temperature_c.cpu": 49.5,
            "clock_mhz.gpu": 306.0,
            "fan_percent.fan": 50.196,
            "throttle_events.over-current oc3": 2.0,
            "throttle_state.gpu-throttle-alert": 1.0,
        },
        rel=1e-4,
    )
    assert adapter.power_scope(frozenset({"VDD_IN", "VDD_CPU_GPU_CV"})).rails == ("VDD_IN",)


def test_a_sensor_that_stops_answering_is_left_out(orin):
    adapter = JetsonSysfsAdapter(orin)
    adapter.open()
    (orin / "sys/class/hwmon/hwmon1/curr1_input").write_text("")
    (orin / "sys/class/thermal/thermal_zone0/temp").unlink()
    names = {str(channel) for channel in adapter.read()}
    assert "power_w.VDD_IN" not in names
    assert "temperature_c.cpu" not in names
    assert "power_w.VDD_CPU_GPU_CV" in names


def test_thor_is_known_by_its_device_tree(tmp_path):
    put(tmp_path, {"proc/device-tree/compatible": "nvidia,p4071-0000\0nvidia,tegra264\0"})
    assert "none of a Jetson's sensors" in JetsonSysfsAdapter(tmp_path).open()


def test_another_machine_is_no_jetson(tmp_path):
    assert "this is no Jetson" in JetsonSysfsAdapter(tmp_path).open()
