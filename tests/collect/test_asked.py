"""What a server asks for, found by asking real ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import mtlskit
from mtlskit.collect.asked import MOST
from mtlskit.lab.endpoint import nobody, serve
from mtlskit.lab.pki import pem, write_private
from mtlskit.lab.servers import greeting, silent, tls
from mtlskit.lab.stacks import STACKS, Setup
from mtlskit.material import Target
from mtlskit.page.plain import plain
from tests.collect.real_servers import HOST, free_port, open_folder, running

if TYPE_CHECKING:
    from conftest import Parties

    Program = Callable[[str], str]

DEMANDS = {"require": "required", "optional": "optional", "no": "not-asked"}
REAL = [
    pytest.param(name, marks=pytest.mark.needs(program))
    for name, program in (
        ("openssl-www", "openssl"), ("nginx", "nginx"), ("apache", "apache2"),
        ("haproxy", "haproxy"), ("stunnel", "stunnel4"), ("gnutls", "gnutls-serv"),
    )
]  # fmt: skip


@pytest.mark.parametrize("asks", list(DEMANDS))
@pytest.mark.parametrize("stack", REAL)
def test_required_and_optional_are_told_apart(parties: Parties, stack: str, asks: str) -> None:
    """As the server was told, so it is found, in both versions; so is its CA list."""
    trust = (parties.client_root.certificate,)
    with STACKS[stack].start(Setup(parties.server, trust=trust, asks=asks)) as server:
        result = mtlskit.asked(server.target, server_name="", timeout=5.0)
    assert [(one.tls, one.demand, one.late) for one in result.answers] == [
        ("1.2", DEMANDS[asks], False),
        ("1.3", DEMANDS[asks], False),
    ]
    for one in result.answers:
        assert (one.asked is None) == (asks == "no")
        assert one.because
        if one.asked is not None:
            assert one.asked.authorities == ("CN=Client Root",)
            assert "ecdsa_secp256r1_sha256" in one.asked.schemes
            assert bool(one.asked.types) == (one.tls == "1.2")
    by = {"nginx": "application"}.get(stack, "tls") if asks == "require" else None
    assert {one.level for one in result.answers} == {by}
    assert result.same_everywhere


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {folder}/chain.pem;
  ssl_certificate_key {folder}/key.pem;
  server {{ listen 127.0.0.1:{port} ssl default_server; server_name open.example;
            location / {{ return 200 "open"; }} }}
  server {{ listen 127.0.0.1:{port} ssl; server_name closed.example;
            ssl_client_certificate {folder}/trust.pem; ssl_verify_client on;
            location / {{ return 200 "closed"; }} }}
  server {{ listen 127.0.0.1:{port} ssl; server_name own.example;
            ssl_client_certificate {folder}/trust.pem; ssl_verify_client optional;
            if ($ssl_client_verify != SUCCESS) {{ return 403; }}
            location / {{ return 200 "own"; }} }}
}}
"""


@contextmanager
def many_names(parties: Parties, program: Program) -> Iterator[Target]:
    """nginx, which asks for a certificate by one name and not by another."""
    port = free_port()
    with open_folder() as folder:
        write_private(folder / "chain.pem", parties.server.pem_chain())
        write_private(folder / "key.pem", parties.server.pem_key())
        write_private(folder / "trust.pem", pem([parties.client_root.certificate]))
        config = write_private(
            folder / "nginx.conf", NGINX.format(folder=folder, port=port).encode()
        )
        with running([program("nginx"), "-c", str(config)], port):
            yield Target(HOST, port)


@pytest.mark.needs("nginx")
def test_each_name_has_an_answer_of_its_own(parties: Parties, program: Program) -> None:
    """By one name nothing is asked, by another it is required; 403 alone is not enough to tell."""
    with many_names(parties, program) as target:
        result = mtlskit.asked(
            target, server_name="open.example", names=["closed.example", "own.example"], tls="1.3"
        )
    told = {one.server_name: (one.demand, one.level) for one in result.answers}
    assert told == {
        "open.example": ("not-asked", None),
        None: ("not-asked", None),
        "closed.example": ("required", "application"),
        "own.example": ("unknown", None),
    }
    assert not result.same_everywhere
    assert "depends on the name" in result.headline
    page = str(result)
    assert "none (no SNI)" in page
    assert "CN=Client Root" in page
    assert "another reason" in page


def test_it_is_told_to_a_program_as_well(parties: Parties) -> None:
    """The JSON holds demand, lists and reasons; the connections themselves stay out."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        told = json.loads(json.dumps(plain(mtlskit.asked(endpoint.target))))
    assert [one["demand"] for one in told["answers"]] == ["unknown", "required"]
    assert [one["spoken"] for one in told["answers"]] == [False, True]
    assert told["answers"][1]["asked"]["authorities"] == ["CN=Client Root"]
    assert "trace" not in told["answers"][1]
    assert told["headline"] == "The server requires a client certificate."


@pytest.mark.parametrize("behaviour", [silent, greeting()])
def test_where_no_tls_is_spoken_nothing_is_known(behaviour: object) -> None:
    """Silence and another protocol are no answer."""
    with serve(behaviour) as endpoint:
        result = mtlskit.asked(endpoint.target, timeout=0.3, tls="1.3")
    assert {(one.demand, one.spoken) for one in result.answers} == {("unknown", False)}
    assert "spoke none of the versions" in result.headline


def test_where_nobody_listens_nothing_is_known() -> None:
    """No connection, no answer."""
    with nobody() as target:
        result = mtlskit.asked(target, timeout=1.0)
    assert {(one.demand, one.spoken) for one in result.answers} == {("unknown", None)}


def test_so_many_names_are_refused() -> None:
    """A question is bounded."""
    with pytest.raises(ValueError, match=f"more than {MOST}"):
        mtlskit.asked("127.0.0.1:1", names=[f"n{one}.example" for one in range(MOST)])
