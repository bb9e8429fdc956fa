"""rfkill: the switches, of software and by hand, that turn Bluetooth off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.doctor.finding import Finding, bad, not_tried, ok

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient


def rfkill(patient: Patient) -> list[Finding]:
    """Look at each switch of a Bluetooth adapter."""
    folder = patient.root / "sys" / "class" / "rfkill"
    found = []
    for switch in sorted(folder.glob("rfkill*")):
        at = f"sys/class/rfkill/{switch.name}"
        if patient.text(f"{at}/type") != "bluetooth":
            continue
        name = patient.text(f"{at}/name") or switch.name
        if patient.text(f"{at}/hard") == "1":
            told = f"{name} is blocked by a switch of the machine"
            found.append(
                bad("rfkill", told, "Turn the radio switch, key or firmware setting on, then look: rfkill list")
            )
        elif patient.text(f"{at}/soft") == "1":
            found.append(bad("rfkill", f"{name} is blocked by software", "Unblock it: sudo rfkill unblock bluetooth"))
        else:
            found.append(ok("rfkill", f"{name} is not blocked"))
    return found or [not_tried("rfkill", "there is no switch of a Bluetooth adapter on this machine")]
