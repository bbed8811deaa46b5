"""All scenes on one port: the server name chooses, and each behaves as it does by itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlskit.lab.crowd import host_of, stage_all
from mtlskit.lab.scenes import SCENES

_SHORT = {"client.expired": "broke while reading", "none": "answered", "server.expired":
          "refused the server", "network.reset": "broke in the handshake"}  # fmt: skip


@pytest.mark.needs("curl")
def test_name_chooses_the_scene(curl: Callable[..., Any], tmp_path: Path) -> None:
    """One port plays every scene, and the name in the ClientHello says which."""
    with stage_all("1.3", tmp_path) as staged:
        assert len({one.target for one in staged}) == 1
        by_id = {one.scene.id: one for one in staged}
        for scene, end in _SHORT.items():
            assert curl(by_id[scene]).end == end
        assert (tmp_path / "client-expired--issuer" / "acme-client.p12").exists()


def test_every_scene_with_an_endpoint_is_there() -> None:
    """Only scenes that do not go by an endpoint's own name are left out."""
    with stage_all() as staged:
        left = set(SCENES) - {one.scene.id for one in staged}
    nowhere, by_a_proxy = (
        {"network.refused", "network.unresolved"},
        {"network.proxy", "network.terminated"},
    )
    assert left == nowhere | by_a_proxy | {"protocol.sni"}


def test_hosts_are_names_of_their_own() -> None:
    """No two scenes share a name, and each name can stand in a ClientHello."""
    hosts = [host_of(one) for one in SCENES]
    assert len(set(hosts)) == len(hosts)
    assert all(host.replace("-", "").replace(".", "").isalnum() for host in hosts)


def test_all_start_quickly() -> None:
    """All embedded scenes together take less than two seconds of the processor to start."""
    began = time.process_time()
    with stage_all():
        assert time.process_time() - began < 2


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.0\r\n\r\n", bytes(200), b"\x16\x03\x01\x00"])
def test_what_is_no_hello_is_closed(sent: bytes) -> None:
    """Without a ClientHello there is no scene to play, and the line is closed."""
    with (
        stage_all() as staged,
        socket.create_connection((staged[0].target.host, staged[0].target.port), 5) as sock,
    ):
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
