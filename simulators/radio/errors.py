"""What the radio made of software raises. The message is one sentence that names what is wrong and what is allowed."""

from __future__ import annotations


class RadioError(Exception):
    """Anything that goes wrong with the radio itself: an address in use, a missing device file, a wrong script."""


class SlotsError(RadioError):
    """All connection slots of the controller are taken: end another connection first."""


class ConnectError(RadioError):
    """The controller could not make the connection: try again."""


class LinkLostError(RadioError):
    """The connection to a device has ended: connect anew."""


class LostError(RadioError):
    """The controller on the other end of the socket is gone: open another one."""


class ScriptError(RadioError):
    """A script of faults is wrong: fix the line that the message names."""
