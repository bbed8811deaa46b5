"""Signs that two protocol profiles were made for one endpoint.

Law of this room: a sign is not a proof. Profiles for endpoints of their own are usual, and where
the messages show that, there is no sign.
"""

from __future__ import annotations

import re

from mtlskit.instance.records import Profile
from mtlskit.instance.settings import Settings

_ENVIRONMENT = re.compile(
    r"(?P<stem>.+?)[-_.]?(?:test|tst|prod|prd|dev|uat|qa|stage|staging|sandbox|old|new|copy|backup)\Z"
)


def made_for_one_endpoint(settings: Settings, first: Profile, second: Profile) -> str | None:
    """Return why two profiles of different names seem to be made for one endpoint."""
    if _serve_other_hosts(settings, first, second):
        return None
    if first.keystore and (first.keystore, first.port) == (second.keystore, second.port):
        return f"and {second.protocol} name the same key store and port"
    if _stem(first.protocol) == _stem(second.protocol):
        return f"and {second.protocol} seem to be made for one endpoint, for test and production"
    return None


def _stem(protocol: str) -> str:
    match = _ENVIRONMENT.match(protocol.lower())
    return match["stem"] if match else protocol.lower()


def _serve_other_hosts(settings: Settings, first: Profile, second: Profile) -> bool:
    """Tell whether the messages show that each of the profiles has endpoints of its own."""
    hosts: dict[str, set[str]] = {one.protocol.lower(): set() for one in (first, second)}
    for message in settings.messages or ():
        for name, seen in hosts.items():
            if message.url.lower().startswith(f"{name}://"):
                seen.add(message.url.lower().split("/")[2].partition(":")[0])
    one, other = hosts.values()
    return bool(one and other and not one & other)
