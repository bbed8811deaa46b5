"""Acme's instance, as far as the lessons need it: its settings, and what they make it do.

Law of this file: the made-up instance behaves by three documented rules and no others. A property
with a value wins over the profile; a URL without a port is called on the registered one; with the
``.class`` property set, the key store of the profile is bypassed and any may be offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mtlskit.instance.changes import Change
from mtlskit.lab.exports import CLASS, PARTNER, PORT
from mtlskit.lab.records import World, attachment, message, profile, prop, stored
from mtlskit.lab.written import as_unload
from mtlskit.material import Blob, Source

PROTOCOL = "myhttps"


@dataclass(frozen=True, slots=True)
class Instance:
    """The settings of the instance that have to do with one call.

    Attributes:
        host: what its message calls, without a port.
        properties: values of the two properties of the protocol; "" is empty.
        profiled: port and key store of the protocol profile.
        stores: the key stores by the name of their record, the one that is loaded first in front.
    """

    host: str
    properties: Mapping[str, str]
    profiled: tuple[str, str]
    stores: Mapping[str, bytes] = field(repr=False)

    @property
    def url(self) -> str:
        """What stands in the message's Endpoint field."""
        return f"{PROTOCOL}://{self.host}/orders"

    @property
    def port(self) -> int:
        """The port that is called."""
        return int(self.properties[PORT] or self.profiled[0])

    @property
    def store(self) -> str:
        """The record whose key store is offered."""
        return next(iter(self.stores)) if self.properties[CLASS] else self.profiled[1]

    @property
    def offered(self) -> Blob | None:
        """The key store that is offered; None if there is none of that name."""
        data = self.stores.get(self.store)
        return None if data is None else Blob(Source(_file_name(self.store)), data)

    def export(self) -> Blob:
        """Write its records as the instance exports them."""
        records = (
            prop("instance_name", "acme-made-up"),
            *(prop(name, value) for name, value in self.properties.items()),
            stored("Partner Root CA", "trust_store"),
            *(stored(name) for name in sorted(self.stores)),
            *(piece for name, data in sorted(self.stores.items())
              for piece in attachment(name, _file_name(name), data)),
            profile(PROTOCOL, *self.profiled),
            message("Partner Orders", self.url, PROTOCOL),
        )  # fmt: skip
        world = World("acme", "The instance of the course.", (), self.url, records)
        return Blob(Source("instance.xml"), as_unload(world.records))

    def changed(self, changes: Iterable[Change]) -> Instance:
        """Return the instance as it would be after these changes.

        Raises:
            ValueError: a change of something that this lesson has not.
        """
        done = self
        for change in changes:
            done = done._after(change)
        return done

    def _after(self, change: Change) -> Instance:
        if change.table == "sys_properties" and change.record in self.properties:
            return replace(self, properties={**self.properties, change.record: change.value})
        if change.table == "sys_protocol_profile" and change.record == PROTOCOL:
            port, store = self.profiled
            if change.field == "default_port" and change.value.isdecimal():
                return replace(self, profiled=(change.value, store))
            if change.field == "keystore" and change.value in self.stores:
                return replace(self, profiled=(port, change.value))
        raise ValueError(f"This instance has nothing of that kind to change: {change}.")


def _file_name(store: str) -> str:
    return f"{store.split(maxsplit=1)[0].lower()}{'test' if 'Test' in store else ''}.p12"


OWN = PARTNER
"""The record of the key store that is meant for the partner."""
