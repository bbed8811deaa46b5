"""The front door: light to import, and each name behind it."""

import subprocess
import sys

import pytest

import mtlskit
from mtlskit.lab import scenes
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Unreadable


def test_importing_it_loads_nothing_heavy() -> None:
    """`import mtlskit` pulls in neither cryptography nor pandas nor ipywidgets."""
    heavy = "{'cryptography', 'OpenSSL', 'pandas', 'ipywidgets', 'IPython'}"
    code = f"import sys, mtlskit; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.parametrize("name", sorted(set(dir(mtlskit)) - {"annotations"}))
def test_every_name_that_it_lists_is_there(name: str) -> None:
    """`dir` promises nothing that does not open."""
    assert getattr(mtlskit, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'explode'"):
        _ = mtlskit.explode


def test_trace_is_a_package_and_a_call() -> None:
    """Importing from the package first does not take the call away."""
    code = (
        "import mtlskit.trace.events, mtlskit\n"
        "told = mtlskit.trace('127.0.0.1:9', timeout=2)\n"
        "assert told.ended.outcome == 'unreachable', told.ended\n"
        "assert type(told) is mtlskit.trace.events.Trace\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_trace_takes_an_identity_and_a_trust_as_bytes() -> None:
    """The scene in which nothing is wrong is accepted, and the client's chain is in the trace."""
    with scenes.stage("none") as staged:
        told = mtlskit.trace(
            str(staged.target),
            identity=staged.identity_files,
            trust=staged.trust_files,
            password=staged.password,
            server_name=staged.server_name,
            request=True,
        )
    assert told.ended.outcome == "accepted"
    assert len(told.client_chain) == 2


def test_inspect_and_verify_take_what_is_at_hand() -> None:
    """Files as bytes with a name; the path and the ruling of others come back."""
    root = Authority.root("Lab root")
    leaf = root.intermediate("Lab CA").issue("client")
    chain = Blob(Source("chain.pem"), leaf.pem_chain())
    anchor = Blob(Source("root.pem"), root.pem_chain())
    assert len(mtlskit.inspect(chain, anchor).certificates) == 3
    found = mtlskit.verify(chain, trust=anchor)
    assert found.accepted
    assert found.rulings
    assert not mtlskit.verify(chain).accepted


def test_verify_without_a_certificate_says_so() -> None:
    """There is nothing to verify in an empty file."""
    with pytest.raises(Unreadable):
        mtlskit.verify(Blob(Source("empty.pem"), b""))


def test_read_never_fails_for_what_a_file_holds() -> None:
    """Junk is a problem in the case, and the rest is still there."""
    root = Authority.root("Lab root")
    case = mtlskit.read(
        Blob(Source("junk.bin"), b"\x00\x01junk"), Blob(Source("root.pem"), root.pem_chain())
    )
    assert [one.source.name for one in case.problems] == ["junk.bin"]
    assert len(case.material) == 1


def test_verify_says_what_it_did_not_judge() -> None:
    """A damaged neighbour and a second identity are named beside the verdict."""
    root = Authority.root("Lab root")
    one, two = root.issue("first client"), root.issue("second client")
    both = one.pem_chain() + one.pem_key() + two.pem_chain() + two.pem_key()
    cut = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    found = mtlskit.verify(
        Blob(Source("both.pem"), cut + both), trust=Blob(Source("root.pem"), root.pem_chain())
    )
    assert found.accepted
    words = " ".join(str(one) for one in found.problems)
    assert "not judged: second client" in words
    assert {"damaged", "several-identities"} <= {one.code for one in found.problems}
    assert "second client" in str(found)


def test_what_openssl_cannot_read_is_a_ruling_and_no_crash() -> None:
    """A name in invalid UTF-8 is judged here; OpenSSL's ruling says that it could not be asked."""
    root = Authority.root("Lab root")
    pem = root.issue("client.acme.example").pem_chain()
    (leaf,) = mtlskit.inspect(Blob(Source("leaf.pem"), pem)).certificates
    spoilt = Blob(Source("leaf.der"), leaf.der.replace(b"client.acme", b"client\xff\xfeacm", 1))
    found = mtlskit.verify(spoilt, trust=Blob(Source("root.pem"), root.pem_chain()))
    assert not found.accepted
    assert "openssl" in found.rulings
    assert str(found)
