"""Who may ask for what: the policy of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from ankled.daemon.errors import UsageError
from ankled.daemon.requests.faults import listed, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.daemon.requests.forms import Form

Policy: TypeAlias = Literal["off", "safe", "all"]


def admitted(name: str, forms: Mapping[str, Form], policy: Policy, problem: str | None = None) -> Form:
    """Return the form of a request that may be made; `problem` is what else is wrong with it. Raises UsageError."""
    if problem is not None:
        raise UsageError(problem)
    open_to = [form.name for form in forms.values() if policy in {"all", form.level}]
    form = forms.get(name)
    if form is None:
        near = nearest(name, forms)
        hint = f"did you mean {near}?" if near else f"allowed: {listed(open_to)}"
        message = f"there is no request {shown(name)} ({hint})"
        raise UsageError(message)
    if form.name not in open_to:
        message = (
            f"{name} is not among the safe requests ({listed(open_to)}), and this daemon takes no others; "
            'requests = "all" in its configuration allows it'
        )
        raise UsageError(message)
    return form
