"""The samples of live sensors out of a recording: from its beginning, and from the middle of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.daemon.decoded import Decoder
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, Input, Link, Notification, ReadResult, State
from ankled.daemon.pipeline import Core
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.movella_dot import device, payload

if TYPE_CHECKING:
    from ankled.drivers.samples import Samples

BEGUN_NS = 7_000_000_000
CONFIG = Config(host_ns=BEGUN_NS, settings=PipelineSettings(devices=(DeviceSettings(slug="left"),)))


def recorded() -> list[Input]:
    """Return what a Movella DOT brings in two seconds, its answer about the output rate first."""
    control = device.encode_control(device.Control(output_rate_hz=60))
    rng = np.random.default_rng(3)
    stamps = [1_000_000 + round(index * 1e6 / 60.0) for index in range(120)]
    values = payload.encode_rates(stamps, rng.normal(0.0, 9.0, (120, 3)), rng.normal(0.0, 2.0, (120, 3)))
    link = Link(host_ns=BEGUN_NS, device="left", epoch=1, up=True, address="", name="", driver="movella_dot")
    read = ReadResult(host_ns=BEGUN_NS, device="left", epoch=1, characteristic=device.DEVICE_CONTROL, data=control)
    packets = [
        Notification(
            host_ns=BEGUN_NS + index * 16_700_000,
            device="left",
            epoch=1,
            characteristic=device.MEDIUM_PAYLOAD,
            data=data,
        )
        for index, data in enumerate(values)
    ]
    return [CONFIG, link, read, *packets]


def samples(inputs: list[Input]) -> list[Samples]:
    """Return what a decoder makes of them."""
    decode = Decoder()
    return [one for item in inputs for one in decode(item)]


def test_samples_are_the_same_from_the_middle_of_a_session_on() -> None:
    """A file that begins with a state gives the very samples that the one before it would have gone on with."""
    inputs = recorded()
    whole = samples(inputs)
    assert len(whole) == 120
    assert whole[0].time_s is not None
    assert whole[0].time_s[0] == pytest.approx(7.0, abs=0.05), "times are the host's"
    core = Core()
    for item in inputs[:63]:
        core.feed(item)
    state = State(host_ns=inputs[62].host_ns, version=core.version, data=core.snapshot())
    assert samples([CONFIG, state, *inputs[63:]]) == whole[60:]


def test_a_state_of_another_shape_is_no_defect_of_the_program() -> None:
    """A state that this version does not know is told in a sentence."""
    with pytest.raises(RecordingError, match="the recording's opening state cannot be read"):
        samples([CONFIG, State(host_ns=BEGUN_NS, version="0.0", data=b"\x81\xa1a\x01")])
