"""The file of axes: what is kept, for which sensor, and what is done with a file that is of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs

from ankled.daemon.live.axes import StoredAxes
from ankled.daemon.records import Event
from ankled.daemon.settings import DeviceSettings, Mount

if TYPE_CHECKING:
    from pathlib import Path

SENSORS = {"left": "C0:11:22:33:44:55", "right": "Right weight"}
LEFT = DeviceSettings(slug="left", side="left")
AXES = {"left_x": 0.0, "left_y": 0.6, "left_z": 0.8, "up_x": 1.0, "up_y": 0.0, "up_z": 0.0}
MOUNT = Mount(left=(0.0, 0.6, 0.8), up=(1.0, 0.0, 0.0))


def event(kind: str = "axis_settled", device: str = "left", **detail: float | str) -> Event:
    """Return the event of a device."""
    return Event(
        id="s/left/event/1", seq=1, session="monday", node="gym", device=device, event=kind,  # type: ignore[arg-type]  # a name
        known_at_s=1.0, detail={"uncertainty_deg": 3.0, **AXES, **detail},
    )  # fmt: skip


def in_file(left: list[int], up: list[int]) -> bytes:
    """Return a file that holds these axes."""
    kept = {"sensor": SENSORS["left"], "session": "s", "mount": {"left": left, "up": up}}
    return msgspec.json.encode({"devices": {"left": kept}})


@pytest.mark.parametrize("kind", ["axis_settled", "slip"])
def test_axes_are_there_for_the_next_run(tmp_path: Path, kind: str) -> None:
    """What an event told is in the file, alone, and in the settings of that device in the next run."""
    path = tmp_path / "state" / "axes.json"
    kept = StoredAxes(path, SENSORS)
    kept.note(event(kind))
    kept.save()
    assert [one.name for one in path.parent.iterdir()] == ["axes.json"]
    later = StoredAxes(path, SENSORS)
    left, right = later.applied([LEFT, DeviceSettings(slug="right")])
    assert left.stored_axes == MOUNT
    assert right.stored_axes is None


def test_the_newest_axes_count_and_others_stay(tmp_path: Path) -> None:
    """A slip replaces what was settled; what is known of the other leg is kept."""
    path = tmp_path / "axes.json"
    for device, left_x in (("left", 0.1), ("right", 0.2), ("left", 0.3)):
        kept = StoredAxes(path, SENSORS)
        kept.note(event("slip", device, left_x=left_x))
        kept.save()
    both = StoredAxes(path, SENSORS).applied([LEFT, DeviceSettings(slug="right")])
    assert [device.stored_axes.left[0] for device in both if device.stored_axes] == [0.3, 0.2]


def test_another_sensor_under_the_same_slug_has_no_axes(tmp_path: Path) -> None:
    """Axes are those of a sensor in its weight: with another one nothing is known."""
    path = tmp_path / "axes.json"
    kept = StoredAxes(path, SENSORS)
    kept.note(event())
    kept.save()
    (left,) = StoredAxes(path, {"left": "C0:11:22:33:44:66"}).applied([LEFT])
    assert left.stored_axes is None


def test_a_configured_mount_needs_none(tmp_path: Path) -> None:
    """The settings of a device with a mount stay as they are."""
    kept = StoredAxes(tmp_path / "axes.json", SENSORS)
    kept.note(event())
    configured = DeviceSettings(slug="left", mount=MOUNT)
    assert kept.applied([configured]) == (configured,)


def test_an_event_that_tells_no_axes_writes_nothing(tmp_path: Path) -> None:
    """Nothing new, no file."""
    path = tmp_path / "axes.json"
    kept = StoredAxes(path, SENSORS)
    kept.note(event("interrupted"))
    kept.save()
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"version": 9}',
        in_file([1, 0], [0, 0, 1]),
        in_file([0, 0, 0], [0, 0, 1]),
        in_file([0, 0, 1], [0, 0, 1]),
    ],
    ids=["empty", "cut off", "no text", "another version", "two numbers", "no direction", "parallel"],
)  # fmt: skip
def test_a_file_of_no_use_is_named_in_a_warning_and_replaced(tmp_path: Path, content: bytes) -> None:
    """The run goes on without; the next axes make the file whole."""
    path = tmp_path / "axes.json"
    path.write_bytes(content)
    with capture_logs() as logged:
        kept = StoredAxes(path, SENSORS)
    assert [(line["log_level"], line["file"]) for line in logged] == [("warning", str(path))]
    assert kept.applied([LEFT]) == (LEFT,)
    kept.note(event())
    kept.save()
    (left,) = StoredAxes(path, SENSORS).applied([LEFT])
    assert left.stored_axes == MOUNT


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    """Nothing is lost but the memory."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    kept = StoredAxes(tmp_path / "file" / "axes.json", SENSORS)
    kept.note(event())
    with capture_logs() as logged:
        kept.save()
    assert [line["log_level"] for line in logged] == ["warning"]
