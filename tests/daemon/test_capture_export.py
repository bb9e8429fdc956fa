"""Import and export of captures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mcap.reader import make_reader
from pyarrow import parquet

from ankled.daemon.capture import export
from ankled.daemon.capture.csv_in import import_csv
from ankled.daemon.capture.export import export_csv, export_parquet
from ankled.daemon.capture.foxglove import IMU_SCHEMA, export_foxglove
from ankled.daemon.capture.report import examine
from ankled.daemon.capture.tracks import read_tracks
from ankled.daemon.csvfile import read_csv
from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import ClockAnchor, Config, Input, Notification, Stop
from ankled.daemon.recorded import csv_inputs
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.samples import Samples
from tests.daemon.recordings import SECOND, SETTINGS, entries, session, store

if TYPE_CHECKING:
    from pathlib import Path

TWO = PipelineSettings(devices=(DeviceSettings(slug="left", side="left"), DeviceSettings(slug="right", side="right")))


def write_csv(path: Path, count: int, start_s: float = 0.0, seed: int = 0) -> Path:
    """Write a CSV of so many samples at 100 Hz, numbers in full."""
    random = np.random.default_rng(seed)
    rows = np.column_stack([start_s + np.arange(count) / 100, random.normal(0, 9, (count, 6))])
    lines = [",".join(map(repr, row)) for row in rows.tolist()]
    path.write_text("\n".join(["t,ax,ay,az,gx,gy,gz", *lines, ""]))
    return path


def test_an_import_replays_as_the_csv_files_do(tmp_path: Path) -> None:
    """The inputs of the file are those of the tables, number for number and bit for bit."""
    tables = [read_csv(write_csv(tmp_path / "l.csv", 1000)), read_csv(write_csv(tmp_path / "r.csv", 800, 0.3, seed=1))]
    target = tmp_path / "a.mcap"
    count = import_csv(tables, TWO, target)
    expected = list(csv_inputs(tables, TWO))
    assert [(entry.number, entry.item) for entry in entries(target)] == list(enumerate(expected))
    assert count == len(expected)
    report = examine(target)
    assert report.whole
    assert report.first_utc is None
    with pytest.raises(RecordingError, match="exists already"):
        import_csv(tables, TWO, target)
    assert import_csv(tables, TWO, target, overwrite=True) == count


def test_csv_goes_round_bit_for_bit(tmp_path: Path) -> None:
    """CSV -> capture -> CSV -> the same numbers."""
    table = read_csv(write_csv(tmp_path / "l.csv", 1000, start_s=1234.5))
    import_csv([table], SETTINGS, tmp_path / "a.mcap")
    (written,) = export_csv(tmp_path / "a.mcap", tmp_path)
    assert written == tmp_path / "a-left.csv"
    back = read_csv(written)
    for name in ("time_s", "acc", "gyr"):
        assert getattr(back, name).tobytes() == getattr(table, name).tobytes()
    assert written.read_text().splitlines()[0] == "t,ax,ay,az,gx,gy,gz"


def test_parquet_has_the_same_columns(tmp_path: Path) -> None:
    """One file a device, with the device in its metadata."""
    tables = [read_csv(write_csv(tmp_path / f"{seed}.csv", 500, seed=seed)) for seed in (0, 1)]
    import_csv(tables, TWO, tmp_path / "a.mcap")
    written = export_parquet(tmp_path / "a.mcap", tmp_path)
    assert [path.name for path in written] == ["a-left.parquet", "a-right.parquet"]
    table = parquet.read_table(written[1])
    assert table.column_names == ["t", "ax", "ay", "az", "gx", "gy", "gz"]
    assert table.schema.metadata[b"device"] == b"right"
    assert np.array_equal(table.column("gz").to_numpy(), tables[1].gyr[:, 2])


def test_parquet_without_pyarrow_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional: the sentence says how to get it."""
    monkeypatch.setattr(export, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"ankled\[export\]"):
        export_parquet(tmp_path / "a.mcap", tmp_path)


def _packets(rate_hz: float) -> list[Input]:
    """Return ten-sample packets of a sensor, between Config and Stop."""
    items: list[Input] = [Config(host_ns=100 * SECOND, settings=SETTINGS)]
    items.append(ClockAnchor(host_ns=100 * SECOND, utc_ns=1_700_000_000 * SECOND))
    for packet in range(40):
        index = packet * 10 + np.arange(10)
        host_ns = round((100 + (index[-1] + 1) / rate_hz) * SECOND) + packet % 3 * 1_000_000
        data = np.concatenate([100.0 + (index + 1) / rate_hz, index]).tobytes()
        items.append(Notification(host_ns=host_ns, device="left", epoch=1, characteristic="2a37", data=data))
    return [*items, Stop(host_ns=200 * SECOND, reason="asked")]


def _decode(item: Input) -> list[Samples]:
    """Stand in for a driver: one number is the acceleration on x."""
    if not isinstance(item, Notification):
        return []
    values = np.frombuffer(item.data, dtype=np.float64)
    acc = np.zeros((10, 3))
    acc[:, 0] = values[10:]
    return [
        Samples(
            device=item.device,
            host_ns=item.host_ns,
            time_s=values[:10].copy(),
            acc=acc,
            gyr=None,
        )
    ]


def test_decoded_samples_are_put_on_the_captures_clock(tmp_path: Path) -> None:
    """What drivers decode is on the host's clock; a track counts from the capture's first input."""
    track = read_tracks(store(tmp_path / "a.mcap", _packets(50.0)), _decode)["left"]
    assert track.origin_ns == 100 * SECOND
    assert track.acc[:, 0].tolist() == list(range(400))
    assert track.gyr is None
    np.testing.assert_allclose(track.time_s, (np.arange(400) + 1) / 50.0, atol=1e-9)


def test_a_device_without_gyroscope_has_four_columns(tmp_path: Path) -> None:
    """Nothing is invented for what was not measured, and reading it back names what is missing."""
    path = store(tmp_path / "a.mcap", _packets(50.0))
    (written,) = export_csv(path, tmp_path, _decode)
    assert written.read_text().splitlines()[0] == "t,ax,ay,az"
    with pytest.raises(RecordingError, match="columns gx, gy, gz are missing"):
        read_csv(written)


def test_an_export_of_nothing_is_told(tmp_path: Path) -> None:
    """Notifications without a driver are no samples."""
    path = store(tmp_path / "a.mcap", session(20))
    with pytest.raises(RecordingError, match="holds no samples to export"):
        export_csv(path, tmp_path)


def test_foxglove_shows_samples_and_the_file_still_replays(tmp_path: Path) -> None:
    """JSON channels with a schema, on wall-clock time, in order beside inputs that are kept byte for byte."""
    path = store(tmp_path / "a.mcap", _packets(50.0))
    target = tmp_path / "f.mcap"
    assert export_foxglove(path, target, _decode) == 400
    assert entries(target) == entries(path)
    with target.open("rb") as stream:
        found = list(make_reader(stream).iter_messages(topics=["/left/imu"]))
    assert len(found) == 400
    schema, channel, message = found[7]
    assert schema is not None
    assert (schema.name, schema.encoding, channel.message_encoding) == (IMU_SCHEMA, "jsonschema", "json")
    shape = json.loads(schema.data)
    content = json.loads(message.data)
    assert set(shape["required"]) <= set(content) <= set(shape["properties"])
    assert content["acc"] == {"x": 7.0, "y": 0.0, "z": 0.0}
    stamp = content["timestamp"]
    assert stamp["sec"] * SECOND + stamp["nsec"] == message.log_time
    assert abs(message.log_time - (1_700_000_000 * SECOND + 8 * SECOND // 50)) < 3_000_000
    assert examine(target).whole


def test_foxglove_of_an_import_has_angular_rates(tmp_path: Path) -> None:
    """Imported samples need no driver; without a clock their own time counts."""
    table = read_csv(write_csv(tmp_path / "l.csv", 100))
    import_csv([table], SETTINGS, tmp_path / "a.mcap")
    assert export_foxglove(tmp_path / "a.mcap", tmp_path / "f.mcap") == 100
    with (tmp_path / "f.mcap").open("rb") as stream:
        messages = [json.loads(m.data) for _, _, m in make_reader(stream).iter_messages(topics=["/left/imu"])]
    assert [list(m["gyr"].values()) for m in messages] == table.gyr.tolist()
    assert messages[-1]["timestamp"] == {"sec": 0, "nsec": 990_000_000}
