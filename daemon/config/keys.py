"""What each key is for, and whether a reload applies it: one row a key, in the order of the structs.

docs/configuration.md and the JSON Schema for editors say so from here, and live/reload.py does so. A test holds the
rows equal to the keys of the structs.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple


class Key(NamedTuple):
    """What a key is for; `reload` tells whether a new value holds at once, or after a restart."""

    told: str
    reload: Literal["now", "restart"] = "restart"


_RULE: Final = {"addresses": "their addresses", "names": "patterns of their names", "services": "service UUIDs"}

KEYS: Final[dict[str, Key]] = {
    "version": Key("The version of the file's form."),
    "node": Key("The name of this node in topics and records."),
    "adopt": Key("Whether to connect to sensors that are not configured, if a driver knows them.", "now"),
    "requests": Key("What may be asked over MQTT.", "now"),
    "session.idle_end_min": Key("A session ends after so long without a repetition.", "now"),
    "radio.adapters": Key("Bluetooth adapters, by name or better by address; none: the first that is powered."),
    "radio.slots": Key("Connections that one adapter is trusted with."),
    **{
        f"radio.allow.{name}": Key(f"Sensors to adopt, where `adopt` says so: {of}.", "now")
        for name, of in _RULE.items()
    },
    **{f"radio.block.{name}": Key(f"Sensors never to connect to: {of}.", "now") for name, of in _RULE.items()},
    "mqtt.broker": Key("The URL of the broker: mqtt, mqtts, ws, wss, unix or embedded."),
    "mqtt.fallbacks": Key("Brokers to try in this order when that one fails."),
    "mqtt.protocol": Key("The version of MQTT; auto is 5 where the broker speaks it."),
    "mqtt.base": Key("The first levels of every topic."),
    "mqtt.username": Key("Who we are to the broker."),
    "mqtt.password_file": Key("A file with one line, the password."),
    "mqtt.ca_file": Key("Certificates that a broker's is trusted by (PEM); without it those of the system."),
    "mqtt.cert_file": Key("The client's certificate (PEM)."),
    "mqtt.key_file": Key("The key of the client's certificate (PEM); without it, it is in that file."),
    "mqtt.key_password_file": Key("A file with one line, the password of that key."),
    "mqtt.server_name": Key("The name in the broker's certificate, if that is not its host."),
    "mqtt.client_id": Key("The client identifier; without it `ankled-` and the node."),
    "mqtt.keepalive_s": Key("How long the connection may be silent before it is probed."),
    "mqtt.timeout_s": Key("How long connecting and each acknowledgement may take."),
    "mqtt.publish_live": Key("Publish what each leg does now, up to ten times a second.", "now"),
    "mqtt.publish_imu": Key("Publish decoded samples too.", "now"),
    "outbox.size_mb": Key("How much room results may take that wait, or were sent."),
    "outbox.pending_days": Key("How long a result waits for the broker."),
    "outbox.kept_h": Key("How long it can be asked for after it was sent."),
    "outbox.min_free_mb": Key("With less disk free, results that the broker has had for a minute make room."),
    "outbox.rate_per_s": Key("How many results go out in a second, after a first 500."),
    "homeassistant.enabled": Key("Tell Home Assistant of the sensors; false takes back what was told."),
    "homeassistant.prefix": Key("The topic below which Home Assistant looks for devices."),
    "homeassistant.birth_topic": Key("The topic on which Home Assistant says that it has started."),
    "capture.enabled": Key("Record everything heard."),
    "capture.folder": Key("The folder of the recordings."),
    "capture.rotate": Key("A new file begins at a size or an age, or at the end of a set too."),
    "capture.rotate_mb": Key("A new file begins when one is as large."),
    "capture.rotate_min": Key("A new file begins when one is as old."),
    "capture.keep_gb": Key("The oldest recordings go when all of them take more; 0: no bound."),
    "capture.keep_days": Key("Recordings go when they are as old; 0: no bound."),
    "capture.min_free_gb": Key("Below so much free disk the oldest go, then the recording stops; 0: no bound."),
    "state.enabled": Key("Keep axes, changes, the pseudonyms' key and waiting results from run to run."),
    "state.folder": Key("The folder of all that."),
    "athletes.pseudonyms": Key("Athletes go by pseudonyms in topics, results and recordings."),
    "log.level": Key("From which level on lines are logged.", "now"),
    "log.levels": Key("Other levels for single parts.", "now"),
    "log.format": Key("How they are written; auto: the journal, colour on a terminal, else JSON."),
    "log.publish": Key("From which level on they go to the broker too."),
    "pipeline.set_rest_s": Key("Rest longer than this closes a set.", "now"),
    "devices.slug": Key("The sensor's name in topics and records; each has its own.", "now"),
    "devices.name": Key("The name that the sensor advertises, or a label beside its address.", "now"),
    "devices.address": Key("The sensor's address; without it, it is found by its name.", "now"),
    "devices.driver": Key("The driver; without it found from the advertisement. See `ankled drivers`.", "now"),
    "devices.side": Key("The leg that wears it.", "now"),
    "devices.athlete": Key("Who wears it: both weights of one wearer carry the same slug.", "now"),
    "devices.mass_kg": Key("The mass of the weight; without it 1.0 is assumed.", "now"),
    "devices.movement": Key("What to look for.", "now"),
    "devices.exercise": Key("The name to write into records of repetitions.", "now"),
    "devices.planned_sets": Key("An alert tells when one more begins.", "now"),
    "devices.target_range_deg": Key("An alert tells when repetitions fall 20 % short of it.", "now"),
    "devices.mount.left": Key("The wearer's left, in the sensor's own axes.", "now"),
    "devices.mount.up": Key("The direction of the knee, in the sensor's own axes.", "now"),
    "devices.rate_hz": Key("The sensor's rate, one that it offers; without it the driver's own.", "now"),
    "devices.acc_range_g": Key("The range of its accelerometer, one that it offers.", "now"),
    "devices.gyr_range_dps": Key("The range of its gyroscope, one that it offers.", "now"),
    "devices.publish_imu": Key("Publish decoded samples of this sensor; without it as in `[mqtt]`.", "now"),
}
