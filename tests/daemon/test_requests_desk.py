"""The desk at a real broker: every request is answered, within bounds, and none holds up another."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests.answers import LARGEST
from ankled.daemon.requests.desk import Bounds, Desk
from ankled.daemon.requests.forms import DeviceForm, Done, Health, MarkSetForm, Nothing, RenameForm
from tests.daemon.brokers import eventually, retained
from tests.daemon.callers import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.requests.desk import Handler
    from ankled.daemon.requests.policy import Policy
    from tests.daemon.brokers import Mosquitto

TOPICS = Topics(node="gym")
WELL = {"healthy": True, "problems": []}


class Works:
    """Handlers that note what they did; `gate` holds up those that wait for it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()
        self.held = 0

    async def health(self, _: Nothing) -> Health:
        """Be well."""
        return Health(healthy=True, problems=())

    async def devices(self, _: Nothing) -> Done:
        """Give what is not a list of devices."""
        return Done(devices=())

    async def mark_set(self, asked: MarkSetForm) -> Done:
        """Wait for the gate."""
        self.held += 1
        await self.gate.wait()
        self.done.append(f"mark {asked.device}")
        return Done(devices=(asked.device or "all",))

    async def rename(self, asked: RenameForm) -> Done:
        """Rename one device, find another unknown, fail in other ways for others."""
        faults: dict[str, Exception] = {
            "nobody": UsageError('the device is "nobody"; known are left and right'),
            "disk": RecordingError("the disk is full"),
            "defect": KeyError("secret of the inside"),
        }
        if asked.device in faults:
            raise faults[asked.device]
        self.done.append(f"rename {asked.device} {asked.label}")
        return Done(devices=("x" * LARGEST if asked.device == "huge" else asked.device,))

    async def connect(self, asked: DeviceForm) -> Done:
        """Never end, and with the device `deaf` not even when told to."""
        self.held += 1
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if asked.device != "deaf":
                raise
            await self.gate.wait()
        return Done(devices=())

    @property
    def handlers(self) -> dict[str, Handler]:
        """All of them, by the names of their requests."""
        return {
            "health_check": self.health,
            "devices": self.devices,
            "mark_set": self.mark_set,
            "rename": self.rename,
            "connect": self.connect,
        }


@contextlib.asynccontextmanager
async def desk_at(
    broker: BrokerAddress, works: Works, policy: Policy = "all", bounds: Bounds | None = None
) -> AsyncIterator[tuple[Caller, Desk, Publisher]]:
    """Yield a caller and the desk that hears it."""
    async with (
        Publisher(broker, TOPICS, Options(timeout_s=2.0)) as publisher,
        Desk(TOPICS, policy, works.handlers, publisher.say, bounds) as desk,
        Caller.at(broker, TOPICS) as caller,
    ):
        desk.listen(publisher.incoming.listen)
        if policy != "off":
            await caller.heard()
        yield caller, desk, publisher


async def test_a_request_is_answered_with_its_transaction(broker: BrokerAddress) -> None:
    """Text or number, or null where there was none; nothing of it stays at the broker."""
    async with desk_at(broker, Works()) as (caller, _, _):
        for transaction in ("abc \N{PEOPLE HUGGING}", 7, -(2**63), None):
            answer = await caller.ask("health_check", transaction=transaction)
            assert answer == {"transaction": transaction, "status": "ok", "data": WELL}
        assert await caller.ask("health_check") == {"transaction": None, "status": "ok", "data": WELL}
    assert await retained(broker, f"{TOPICS.root}/bridge/response/#") == {}


async def test_a_wrong_request_is_told_what_is_allowed(broker: BrokerAddress) -> None:
    """With its transaction, where that could be read; a name that is no topic's is answered under `unknown`."""
    works = Works()
    async with desk_at(broker, works, "safe") as (caller, desk, _):
        answer = await caller.ask("mark_set", transaction=3, devise="left")
        assert answer == {
            "transaction": 3,
            "status": "error",
            "error": 'mark_set is not done: "devise" is not a field of it (did you mean device?)',
        }
        answer = await caller.raw("mark_set", b'{"transaction":3,')
        assert (answer["transaction"], answer["status"]) == (None, "error")
        answer = await caller.ask("rename", transaction="a", device="left", label="x")
        assert answer["transaction"] == "a"
        assert answer["error"].endswith('requests = "all" in its configuration allows it')
        assert (await caller.ask("renme"))["error"] == 'there is no request "renme" (did you mean rename?)'
        await caller.say("Rename It!", b"{}")
        await eventually(lambda: len(caller.of("unknown")) == 1)
        assert caller.of("unknown")[0]["error"].startswith('there is no request "Rename It!"')
        assert desk.statistics.refused == 5
    assert works.done == []


async def test_what_goes_wrong_in_a_request_is_a_sentence(broker: BrokerAddress) -> None:
    """A user's mistake is told as it is, a defect is logged and told without its inside, and the desk goes on."""
    async with desk_at(broker, Works()) as (caller, desk, _):
        answer = await caller.ask("rename", device="nobody", label=None)
        assert answer["error"] == 'the device is "nobody"; known are left and right'
        assert (await caller.ask("rename", device="disk", label=None))["error"] == "the disk is full"
        answer = await caller.ask("rename", device="defect", label=None)
        assert answer["error"] == "rename met an internal error, which the log of the daemon tells"
        answer = await caller.ask("devices")
        assert answer["error"] == "devices met an internal error, which the log of the daemon tells"
        answer = await caller.ask("rename", device="huge", label=None, transaction=1)
        assert (answer["status"], answer["transaction"]) == ("error", 1)
        assert answer["error"].endswith(f"bytes long, more than the {LARGEST} there may be")
        assert desk.statistics.failed == 2
        assert (await caller.ask("health_check"))["status"] == "ok"


async def test_with_policy_off_nothing_is_subscribed(broker: BrokerAddress) -> None:
    """No request is heard, so none is answered."""
    async with desk_at(broker, Works(), "off") as (caller, desk, publisher):
        heard: list[str] = []
        publisher.incoming.listen("marker", lambda message: heard.append(message.topic))
        while not heard:
            await caller.say("health_check", b"{}")
            await caller.client.publish("marker", b"", qos=1)
            await asyncio.sleep(0.05)
        assert caller.answers == []
        assert desk.statistics == type(desk.statistics)()


async def test_a_slow_request_holds_up_no_other(broker: BrokerAddress) -> None:
    """Those that only look are answered meanwhile; those that alter something keep the order in which they came."""
    works = Works()
    async with desk_at(broker, works) as (caller, _, _):
        await caller.say("mark_set", b'{"device":"left"}')
        await eventually(lambda: works.held == 1)
        await caller.say("rename", b'{"device":"right","label":"R"}')
        assert (await caller.ask("health_check"))["status"] == "ok"
        assert works.done == []
        works.gate.set()
        await eventually(lambda: len(caller.of("rename")) == 1)
        assert works.done == ["mark left", "rename right R"]


async def test_a_request_that_takes_too_long_is_given_up(broker: BrokerAddress) -> None:
    """It is told, and the next has its turn; even when the handler does not heed that it is to end."""
    works = Works()
    async with desk_at(broker, works, bounds=Bounds(deadline_s=0.2)) as (caller, desk, _):
        for device in ("left", "deaf"):
            answer = await caller.ask("connect", device=device, transaction=device)
            assert (
                answer["error"] == "connect took longer than 0.2 s and was given up; whether it was done is not known"
            )
            assert answer["transaction"] == device
        assert (await caller.ask("rename", device="left", label=None))["status"] == "ok"
        assert desk.statistics.late == 2
        works.gate.set()


async def test_requests_under_way_are_bounded(broker: BrokerAddress) -> None:
    """One too many is told so at once; when there is room again others are taken."""
    works = Works()
    async with desk_at(broker, works, bounds=Bounds(most=3)) as (caller, _, _):
        for number in range(3):
            await caller.say("mark_set", msgspec.json.encode({"device": f"d{number}"}))
        answer = await caller.ask("health_check", transaction=1)
        assert answer["error"] == "3 requests are under way, which is as many as there may be; ask again"
        works.gate.set()
        await eventually(lambda: len(caller.of("mark_set")) == 3)
        assert (await caller.ask("health_check"))["status"] == "ok"


async def test_the_same_request_twice_is_done_once(mosquitto: Mosquitto) -> None:
    """While it is under way it is answered once, a moment later again; without a transaction each is done."""
    works = Works()
    async with desk_at(mosquitto.address, works) as (caller, _, _):
        once: dict[str, Any] = {"device": "left", "transaction": "once"}
        for _ in range(3):
            await caller.say("mark_set", msgspec.json.encode(once))
        works.gate.set()
        await eventually(lambda: len(caller.of("mark_set")) == 1)
        assert await caller.ask("mark_set", **once) == caller.of("mark_set")[0]
        assert works.done == ["mark left"]
        await caller.ask("mark_set", device="left")
        await caller.ask("mark_set", device="left")
        await caller.ask("mark_set", **(once | {"transaction": "twice"}))
        assert works.done == ["mark left"] * 4
        for _ in range(2):  # what failed may be tried again at once
            answer = await caller.ask("rename", device="nobody", label=None, transaction="n")
            assert answer["status"] == "error"


async def test_a_retained_request_is_not_done(mosquitto: Mosquitto) -> None:
    """It would be done anew at every start; taking it back, which is an empty message, does nothing either."""
    works = Works()
    works.gate.set()
    async with Caller.at(mosquitto.address, TOPICS) as early:
        await early.say("mark_set", b'{"device":"old"}', retain=True)
    async with desk_at(mosquitto.address, works) as (caller, _, _):
        await caller.say("mark_set", b"", retain=True)
        await eventually(lambda: len(caller.of("mark_set")) == 1)
        assert caller.of("mark_set")[0]["error"].startswith("the request is empty")
    assert works.done == []


async def test_what_is_under_way_ends_with_the_desk(broker: BrokerAddress) -> None:
    """Leaving does not wait for a request that takes long, and leaves no task behind."""
    works = Works()
    async with desk_at(broker, works) as (caller, _, _):
        await caller.say("connect", b'{"device":"left"}')
        await eventually(lambda: works.held == 1)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("request")]


def test_a_handler_without_a_form_is_a_defect() -> None:
    """Nothing can be asked that is not in the list of forms."""
    with pytest.raises(ValueError, match=r"^handlers for requests that have no form: shell$"):
        Desk(TOPICS, "all", {"shell": Works.__new__(Works).health}, lambda _: None)
