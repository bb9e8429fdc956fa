"""The live stream: what each sensor's leg does at this moment, at most ten times a second while it moves.

Time is the host time of the inputs, and what is told comes from the kernels' memory as it stands between two packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.moments import Live, Trace
from ankled.daemon.pipeline.device import DevicePipeline
from ankled.daemon.pipeline.moment import outward
from ankled.daemon.pipeline.reps import scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.pipeline import Core
    from ankled.daemon.pipeline.base import Pipeline
    from ankled.daemon.pipeline.moment import Look, Moment
    from ankled.daemon.records import Rep

_SLOT_NS: Final = 110_000_000
"""One message a slot. Packets come when they come: late by up to half a slot they leave at most ten in any second."""
_LINGER_NS: Final = 1_000_000_000
"""A leg that was still for so long has come to rest; a stream that was silent for so long has ended."""
_UNDER_WAY: Final = 2.0
"""For so many times its own length after a stride or repetition the cadence is that of a movement that may go on."""


class _Watched:
    """One sensor. `due_ns`: when it may be told of again; `until_ns`: until when it moves."""

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self.look: Look | None = None
        self.due_ns = 0
        self.until_ns = 0
        self.heard_ns = 0
        self.moving = False
        self.last: Rep | None = None
        self.waiting: Live | None = None

    def take(self, host_ns: int) -> None:
        """Use the slot that has begun."""
        late_ns = host_ns - self.due_ns
        self.due_ns = host_ns + _SLOT_NS - (late_ns if late_ns < _SLOT_NS // 2 else 0)


class LiveStream:
    """Looks at the pipelines of a core; `show` gets what is to be told, and must not wait.

    `enabled` may be set anew at any time.
    """

    def __init__(self, core: Core, show: Callable[[Live], None], *, enabled: bool = True) -> None:
        self._core = core
        self._show = show
        self.enabled = enabled
        self._watched: dict[str, _Watched] = {}

    def heard(self, slug: str, host_ns: int) -> None:
        """Tell of a sensor whose packet was just processed, if it is time to."""
        watched = self._of(slug)
        if host_ns < watched.due_ns or not self.enabled:
            return  # as nearly always
        pipeline = self._core.devices.get(slug)
        if pipeline is not watched.pipeline:
            watched.pipeline, watched.last = pipeline, None
            watched.look = pipeline.look() if isinstance(pipeline, DevicePipeline) else None
        if watched.look is None or pipeline is None or (moment := watched.look.moment()) is None:
            return
        watched.heard_ns = host_ns
        watched.take(host_ns)
        if moment.moves:
            watched.until_ns = host_ns + _LINGER_NS
        moving = host_ns < watched.until_ns
        if moving or watched.moving:
            self._show(_seen(pipeline, moment, watched.last, moving=moving))
        watched.moving = moving

    def note(self, rep: Rep, host_ns: int) -> None:
        """Take note of a stride or repetition; where there is no gyroscope it is all that there is to tell."""
        if not self.enabled:
            return
        watched = self._of(rep.device)
        watched.last = rep
        pipeline = self._core.devices.get(rep.device)
        if pipeline is not None and not isinstance(pipeline, DevicePipeline):
            watched.pipeline, watched.look = pipeline, None
            watched.heard_ns, watched.moving = host_ns, True
            self.said(_blank(pipeline, rep.known_at_s, rep, moving=True), host_ns)

    def said(self, live: Live, host_ns: int) -> None:
        """Tell what a sensor says of the moment, now or when it is time to; the newest counts."""
        if self.enabled:
            watched = self._of(live.device)
            watched.waiting = live
            self._tell(watched, host_ns)

    def forget(self, slug: str) -> None:
        """Know nothing any more of a sensor: it was let go."""
        self._watched.pop(slug, None)

    def passed(self, host_ns: int) -> None:
        """Let time pass: tell what waits, and of those from whom nothing comes any more."""
        for watched in self._watched.values():
            self._tell(watched, host_ns)
            pipeline = watched.pipeline
            if watched.moving and pipeline is not None and host_ns - watched.heard_ns > self._patience_ns(watched):
                watched.moving = False
                moving = None if watched.look is not None else False
                self._show(_blank(pipeline, self._core.context.seconds(host_ns), None, moving=moving))

    def _of(self, slug: str) -> _Watched:
        watched = self._watched.get(slug)
        if watched is None:
            watched = self._watched[slug] = _Watched()
        return watched

    def _tell(self, watched: _Watched, host_ns: int) -> None:
        if watched.waiting is not None and host_ns >= watched.due_ns:
            watched.take(host_ns)
            live, watched.waiting = watched.waiting, None
            self._show(live)

    @staticmethod
    def _patience_ns(watched: _Watched) -> int:
        if watched.look is not None or watched.last is None:
            return _LINGER_NS
        return round(_UNDER_WAY * max(1.0, watched.last.duration_s) * 1e9)


def _blank(pipeline: Pipeline, time_s: float, last: Rep | None, *, moving: bool | None) -> Live:
    """Return what is known without a look at the leg itself."""
    device, context = pipeline.device, pipeline.context
    opened = pipeline.open_set
    counted = last if last is not None and opened is not None and last.set == opened.number else None
    return Live(
        session=context.session,
        node=context.node,
        device=device.slug,
        athlete=device.athlete,
        side=device.side,
        known_at_s=time_s,
        known_at_utc=context.utc(time_s),
        moving=moving,
        activity=None if opened is None else opened.of,
        phase=None,
        set=None if opened is None else opened.number,
        index=None if opened is None else opened.count,
        cadence_per_min=None if counted is None else _cadence(counted, time_s),
        angle_deg=None,
        angular_rate_rad_s=None,
        lateral_force_n=None,
        lateral_force_peak_n=None,
        sway_rms_mps2=None,
        quality=None if counted is None else counted.quality,
        quality_reasons=[] if counted is None else counted.quality_reasons,
        axis_source=None,
        axis_uncertainty_deg=None,
        speed_mps=None,
        stride_length_m=None,
        distance_m=None,
        running=None,
        trace=None,
    )


def _seen(pipeline: Pipeline, moment: Moment, last: Rep | None, *, moving: bool) -> Live:
    """Return what a look at the leg has shown, in the units and with the sign of the records."""
    out = outward(pipeline.device)
    forces = moment.laterals_mps2
    blank = _blank(pipeline, moment.time_s, last, moving=moving)
    return msgspec.structs.replace(
        blank,
        activity="stride" if moment.walks else "rep" if blank.activity == "rep" else None,
        phase=moment.phase,
        angle_deg=_rounded(moment.angle_deg, 2),
        angular_rate_rad_s=_rounded(moment.rate_rad_s, 4),
        lateral_force_n=_force(moment.lateral_mps2, out),
        lateral_force_peak_n=_force(moment.lateral_peak_mps2, out),
        sway_rms_mps2=_rounded(moment.sway_rms_mps2, 4),
        axis_source=moment.axis_source,
        axis_uncertainty_deg=_rounded(moment.axis_uncertainty_deg, 2),
        trace=Trace(
            dt_s=moment.dt_s,
            angle_deg=None if moment.angles_deg is None else [round(one, 2) for one in moment.angles_deg],
            lateral_force_n=None if forces is None or out is None else [round(one * out, 3) for one in forces],
        ),
    )


def _cadence(last: Rep, time_s: float) -> float | None:
    """Return the cadence of the last stride or repetition for as long as another one may be under way."""
    if last.cadence_per_min is None:
        return None
    one_s = (120.0 if last.kind == "stride" else 60.0) / last.cadence_per_min
    return last.cadence_per_min if time_s - last.end_s <= _UNDER_WAY * one_s else None


def _force(per_kg: float | None, out: float | None) -> float | None:
    return None if per_kg is None else _rounded(scaled(per_kg, out), 3)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
