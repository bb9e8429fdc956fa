"""What Home Assistant shows of a sensor: its state, its last repetition, its last set, its alerts."""

from __future__ import annotations

from functools import partial
from typing import Final, get_args

from ankled.daemon.homeassistant.payload import Entity
from ankled.daemon.live.status import DeviceState

_LONGEST: Final = 250
"""Home Assistant refuses a state of more than 255 characters."""

_measured = partial(Entity, state_class="measurement")
_rarely = partial(_measured, shown=False)
_health = partial(Entity, category="diagnostic", apart=True)
_state = partial(_measured, category="diagnostic")
_hidden = partial(_state, shown=False)
_counted = partial(_hidden, state_class="total_increasing")

_STATE: Final = (
    _health("connected", "Connected", "availability", "state", None, "connectivity", platform="binary_sensor"),
    _state("battery", "Battery", "state", "battery_percent", "%", "battery", 0),
    _state("signal", "Signal", "state", "rssi_dbm", "dBm", "signal_strength", 0),
    _health("link", "Link", "state", "link", None, "enum", options=get_args(DeviceState), shown=False),
    _health(
        "last_error",
        "Last error",
        "state",
        template=f"{{{{ value_json.last_error[:{_LONGEST}] if value_json.last_error else none }}}}",
        icon="mdi:alert-circle-outline",
        shown=False,
    ),
    _hidden("firmware", "Firmware", "state", "firmware", state_class=None, icon="mdi:chip"),
    _hidden("rate", "Sample rate", "state", "rate_hz", "Hz", "frequency", 1),
    _hidden("clock_uncertainty", "Clock uncertainty", "state", "clock_uncertainty_ms", "ms", "duration", 1),
    _hidden("mass", "Mass", "state", "mass_kg", "kg", "weight", 2),
    _counted("missing", "Missing samples", "state", "missing"),
    _counted("undecodable", "Undecodable packets", "state", "undecodable"),
    _counted("reconnects", "Reconnects", "state", "reconnects"),
)

_REP: Final = (
    Entity("movement", "Movement", "rep", "movement", icon="mdi:walk"),
    _measured("index", "Repetition", "rep", "index", icon="mdi:counter"),
    _measured("cadence", "Cadence", "rep", "cadence_per_min", "1/min", None, 1, icon="mdi:metronome"),
    _measured("range", "Range of motion", "rep", "rom_deg", "°", None, 1, icon="mdi:angle-acute"),
    _measured("sway", "Sway", "rep", "sway_rms_mps2", "m/s²", None, 2, icon="mdi:sine-wave"),
    _measured("force", "Lateral force", "rep", "lateral_force_peak_n", "N", None, 1, icon="mdi:arrow-left-right"),
    _measured(
        "quality",
        "Quality",
        "rep",
        unit="%",
        precision=0,
        template="{{ (100 * value_json.quality) | round }}",
        category="diagnostic",
        icon="mdi:check-decagram-outline",
    ),
    _rarely("duration", "Duration", "rep", "duration_s", "s", "duration", 2),
    _rarely("sway_range", "Sway range", "rep", "sway_range_deg", "°", None, 1, icon="mdi:sine-wave"),
    _rarely("impulse", "Lateral impulse", "rep", "lateral_force_impulse_n_s", "N·s", None, 2),
    _rarely("peak_velocity", "Peak velocity", "rep", "peak_velocity_rad_s", "rad/s", None, 2),
    _rarely("contact_time", "Contact time", "rep", "contact_time_s", "s", "duration", 3),
    _rarely("stride_length", "Stride length", "rep", "stride_length_m", "m", "distance", 2),
    _rarely("stride_speed", "Stride speed", "rep", "stride_speed_mps", "m/s", "speed", 2),
)

_SET: Final = (
    _measured("set_count", "Set count", "set", "count", icon="mdi:counter"),
    _measured("set_velocity_loss", "Set velocity loss", "set", "velocity_loss_percent", "%", None, 1),
    Entity(
        "set_fatigue",
        "Set fatigue",
        "set",
        device_class="enum",
        options=("none", "possible", "likely"),
        template="{{ none if value_json.fatigue == 'unknown' else value_json.fatigue }}",
        icon="mdi:sleep",
    ),
    _rarely("set_duration", "Set duration", "set", "duration_s", "s", "duration", 1),
    _rarely("set_rest", "Rest before set", "set", "rest_before_s", "s", "duration", 0),
    _rarely("set_tension", "Set time under tension", "set", "time_under_tension_s", "s", "duration", 1),
    _rarely("set_cadence", "Set mean cadence", "set", "cadence_mean_per_min", "1/min", None, 1),
    _rarely("set_range", "Set mean range of motion", "set", "rom_mean_deg", "°", None, 1),
    _rarely("set_sway", "Set mean sway", "set", "sway_rms_mean_mps2", "m/s²", None, 2),
    _rarely("set_force", "Set mean lateral force", "set", "lateral_force_peak_mean_n", "N", None, 1),
)

ALERT: Final = "alert"
"""The one type of our events: which alert it is stands in the attributes, so that a new kind is never refused."""

ALERTS: Final = Entity(
    "alert",
    "Alert",
    "alert",
    platform="event",
    template=(
        f"{{{{ {{'event_type': '{ALERT}', 'alert': value_json.alert, 'message': value_json.message, "
        "'evidence': value_json.evidence} | tojson }}"
    ),
    options=(ALERT,),
    icon="mdi:alert-outline",
)

SENSOR: Final = (*_STATE, *_REP, *_SET, ALERTS)
