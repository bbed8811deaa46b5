"""What to set, as sentences: record, field, the value now and the value wanted.

Law of this file: whatever is to be emptied is exported first, so that it can be put back.
"""

from __future__ import annotations

from mtlskit.instance.protocols import Scheme


def set_port(scheme: Scheme, wanted: int) -> str:
    """Say how to have a scheme registered with the port that is wanted."""
    profile = scheme.profiles[0] if scheme.profiles else None
    was = (profile.port if profile else None) or "empty"
    if not scheme.properties:
        return f"In the protocol profile {scheme.name}, set Default port to {wanted} (now {was})."
    if profile is None:
        name = scheme.port_property.name if scheme.port_property else f"the port of {scheme.name}"
        return (
            f"In sys_properties, set {name} to {wanted}. Better, since properties are the old way: "
            f"make one protocol profile {scheme.name} with default port {wanted} and the key "
            f"store. {empty(scheme)}"
        )
    if profile.port == wanted:
        return f"{empty(scheme)} {profile_counts(scheme)} It has the right port, {wanted}."
    return (
        f"{empty(scheme)} In the profile {scheme.name}, set Default port to {wanted} (now {was})."
    )


def empty(scheme: Scheme) -> str:
    """Say which properties to empty, with the values that stand there now."""
    each = " and ".join(f"{one.name} (now {one.value})" for one in scheme.properties)
    return f"In sys_properties, export as a backup, then set to empty: {each}."


def profile_counts(scheme: Scheme) -> str:
    """Say what emptying the properties is for."""
    return f"Then the protocol profile {scheme.name} counts."
