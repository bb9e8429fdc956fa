"""Requests and their answers as they go over the wire: the forms, with what surrounds them."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from ankled.daemon.requests.forms import FORMS, Form, Transaction

_NO_TRANSACTION = ("transaction", Transaction | None, None)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request that was not carried out. `error` names what is wrong and what is allowed."""

    transaction: Transaction | None
    status: Literal["error"] = "error"
    error: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it arrives and its answer where all went well."""

    form: Form
    request: type[msgspec.Struct]
    answer: type[msgspec.Struct]

    @property
    def request_address(self) -> str:
        """The topic it arrives on."""
        return f"{{base}}/{{node}}/bridge/request/{self.form.name}"

    @property
    def answer_address(self) -> str:
        """The topic it is answered on."""
        return f"{{base}}/{{node}}/bridge/response/{self.form.name}"


def _asked(form: Form) -> Asked:
    name = form.name.title().replace("_", "")
    options: dict[str, Any] = {"frozen": True, "kw_only": True}
    return Asked(
        form=form,
        request=msgspec.defstruct(
            f"{name}Request",
            [_NO_TRANSACTION],
            bases=(form.takes,),
            namespace={"__doc__": form.takes.__doc__},
            forbid_unknown_fields=True,
            **options,
        ),
        answer=msgspec.defstruct(
            f"{name}Answer",
            [("transaction", Transaction | None), ("status", Literal["ok"]), ("data", form.gives)],
            namespace={"__doc__": f"The answer to `{form.name}`: {form.summary}"},
            **options,
        ),
    )


ASKED: Final = tuple(_asked(form) for form in FORMS)
"""Every request there is."""
