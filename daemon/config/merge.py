"""Layers laid over one another: tables merge, devices do by their slugs, whatever else comes later replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankled.daemon.config.problems import Place, join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.config.layers import Layer


class Merged:
    """All layers as one, and where each key of it comes from."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        """Merge, the later over the earlier."""
        self.data: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        for layer in layers:
            self._table(self.data, layer.data, "", "", layer)

    def place(self, path: str) -> Place | None:
        """Return where the key at `path` is set, or the nearest table that holds it; None where nothing does."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path)

    def _table(self, into: dict[str, Any], new: dict[str, Any], source: str, path: str, layer: Layer) -> None:
        """Merge a table, which stands at `source` in its layer, into the one at `path`."""
        for key, value in new.items():
            old, there, here = into.get(key), join(source, key), join(path, key)
            if isinstance(old, dict) and isinstance(value, dict):
                self._table(old, value, there, here, layer)
            elif here == "devices" and isinstance(old, list) and isinstance(value, list):
                self._devices(old, value, there, layer)
            else:
                into[key] = value
                self._adopt(value, there, here, layer)

    def _devices(self, into: list[Any], new: list[Any], source: str, layer: Layer) -> None:
        """Change the devices whose slugs earlier layers have, and add the others.

        Two of one slug in one file stay two, and are told as an error.
        """
        earlier = {_slug(device): index for index, device in reversed(list(enumerate(into)))}
        earlier.pop(None, None)
        for number, device in enumerate(new):
            there, index = f"{source}[{number}]", earlier.pop(_slug(device), None)
            if index is None:
                into.append(device)
                self._adopt(device, there, f"devices[{len(into) - 1}]", layer)
            else:
                self._table(into[index], device, there, f"devices[{index}]", layer)

    def _adopt(self, value: object, source: str, path: str, layer: Layer) -> None:
        """Note where a value and all that is in it come from."""
        self.places[path] = layer.place(source)
        if isinstance(value, dict):
            for key, inner in value.items():
                self._adopt(inner, join(source, key), join(path, key), layer)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self._adopt(inner, f"{source}[{index}]", f"{path}[{index}]", layer)


def _slug(device: object) -> str | None:
    slug = device.get("slug") if isinstance(device, dict) else None
    return slug if isinstance(slug, str) else None
