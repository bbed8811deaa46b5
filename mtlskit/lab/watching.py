"""Handshakes to watch: the lab's endpoints, called by this kit and by other people's clients.

Law of this room: everything is real and on this machine; each call plays its scene anew, and ends
it. A client that is not installed is named, and nothing is made up for it.
"""

from __future__ import annotations

from mtlskit.collect.clients.asked import clients
from mtlskit.collect.clients.attempts import Clients
from mtlskit.collect.met import Met
from mtlskit.collect.mirror import mirror
from mtlskit.experiment import attempt
from mtlskit.lab.scenes import Staged, Version, stage
from mtlskit.material import Blob, Source
from mtlskit.trace.events import Trace

_PATIENCE = 20.0


def handshake(scene: str = "none", tls: Version = "1.3") -> Trace:
    """Play a scene and call its endpoint as its client would."""
    with stage(scene, tls) as staged:
        return _attempt(staged, staged)


def before_and_after(scene: str, tls: Version = "1.3") -> tuple[Trace, Trace]:
    """Call one endpoint twice: as its client would, and with what the client held put right.

    Raises:
        ValueError: the client cannot put this scene right.
    """
    with stage(scene, tls) as staged:
        if staged.mended is None:
            raise ValueError(f"What is wrong in {scene!r} is not in the client's hands.")
        return _attempt(staged, staged), _attempt(staged, staged.mended)


def _attempt(staged: Staged, holder: Staged) -> Trace:
    return attempt(
        staged.target,
        identity=holder.identity_files,
        trust=holder.trust_files,
        password=holder.password,
        tls=staged.tls,
        server_name=staged.server_name,
        request=True,
    )


def through_the_tap(*names: str, scene: str = "none", tls: Version = "1.3") -> Clients:
    """Let these clients call a scene's endpoint through the tap; none named: all of them."""
    with stage(scene, tls) as staged:
        return clients(
            staged.target,
            identity=staged.identity_files,
            trust=staged.trust_files,
            password=staged.password,
            tls=tls,
            server_name=staged.server_name,
            timeout=_PATIENCE,
            only=names,
        )


def in_the_mirror(name: str, scene: str = "none", tls: Version = "1.3") -> Met | Clients:
    """Let a client of a scene look into the mirror; if it is not installed, say that."""
    with stage(scene, tls) as staged, mirror() as glass:
        ran = clients(
            glass.target,
            identity=staged.identity_files,
            trust=Blob(Source("mirror.pem"), glass.pem.encode("ascii")),
            password=staged.password,
            tls=tls,
            server_name="localhost",
            timeout=_PATIENCE,
            only=[name],
        )
        met = glass.meetings(len(ran.runs))
    return met[-1] if met else ran
