"""What Java takes as trusted in a store: asked of Java itself, and told before it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mtlskit import verify
from mtlskit.certs import java_trust

if TYPE_CHECKING:
    from conftest import Cast, Maker

WORD = "changeit"
ANCHORS = """
import java.io.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
public class Anchors {
    public static void main(String[] files) throws Exception {
        for (String name : files) {
            String file = new File(name).getName() + "\\t";
            KeyStore store = KeyStore.getInstance(new File(name), "changeit".toCharArray());
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            X509TrustManager manager = (X509TrustManager) factory.getTrustManagers()[0];
            for (X509Certificate one : manager.getAcceptedIssuers())
                System.out.println(file + one.getSubjectX500Principal());
        }
    }
}
"""


@pytest.fixture(scope="module")
def trusts(files: Path, program: Callable[[str], str], make: Maker) -> Path:
    """Trust stores as they are made in the field: by OpenSSL, by keytool, with a key in them."""
    folder = files / "trusts"
    folder.mkdir()
    export = (program("openssl"), "pkcs12", "-export", "-passout", f"pass:{WORD}")
    make.run(*export, "-nokeys", "-in", str(files / "root.pem"), "-out", "bare.p12", cwd=folder)
    keyed = ("-inkey", str(files / "client.key"), "-in", str(files / "chain.pem"))
    make.run(*export, *keyed, "-name", "client", "-out", "keyed.p12", cwd=folder)
    for kind in ("PKCS12", "JKS"):
        make.run(
            *(program("keytool"), "-importcert", "-noprompt", "-alias", "root"),
            *("-file", str(files / "root.pem"), "-keystore", f"java.{kind}"),
            *("-storetype", kind, "-storepass", WORD),
            cwd=folder,
        )
    return folder


NAMES = ("bare.p12", "keyed.p12", "java.PKCS12", "java.JKS")


@pytest.mark.needs("openssl", "keytool", "java")
def test_java_sees_what_is_said_that_it_sees(
    trusts: Path, make: Maker, program: Callable[[str], str], tmp_path: Path
) -> None:
    """Its own trust manager is asked for its anchors, of each store."""
    source = tmp_path / "Anchors.java"
    source.write_text(ANCHORS)
    told = make.run(program("java"), str(source), *(str(trusts / name) for name in NAMES))
    java = [(line.partition("\t")[0], line.partition("\t")[2]) for line in told.splitlines()]
    ours = [
        (name, str(one.subject).replace(",", ", "))
        for name in NAMES
        for one in java_trust.seen((make.opened(trusts / name, WORD),))
    ]
    assert ours == java
    assert [name for name, _ in java] == ["keyed.p12", "java.PKCS12", "java.JKS"]
    assert "CN=Acme Client, O=Acme, C=DE" in java[0]


@pytest.mark.needs("openssl", "keytool")
@pytest.mark.parametrize(
    ("name", "accepted", "said"),
    [
        ("bare.p12", False, "Java sees no trusted certificate in bare.p12, since the file does"),
        ("keyed.p12", True, "Java does not take Acme Issuing CA, Acme Root CA as trusted in"),
        ("java.PKCS12", True, ""),
        ("java.JKS", True, ""),
    ],
)
def test_javas_profile_trusts_what_java_sees(
    trusts: Path,
    files: Path,
    name: str,
    *,
    accepted: bool,
    said: str,
) -> None:
    """Others trust all of the file; the note says what Java does not see, and the command."""
    asked = {"trust": trusts / name, "password": WORD}
    ruled = verify(files / "chain.pem", **asked, profile="java")
    other = verify(files / "chain.pem", **asked)
    assert (ruled.accepted, other.accepted) == (accepted, True)
    (row,) = (one for one in other.stacks if one.stack == "java")
    assert row.accepted is accepted
    notes = [one.text for one in other.problems if one.code == java_trust.CODE]
    assert [said in one and "keytool -importcert" in one for one in notes] == [True] * bool(said)
    assert ("What Java would see" in str(other)) is bool(said)


@pytest.mark.needs("openssl", "keytool", "java")
def test_java_is_asked_with_what_it_sees(trusts: Path, files: Path) -> None:
    """The engine and the prediction agree on a store without trusted entries."""
    found = verify(files / "chain.pem", trust=trusts / "bare.p12", password=WORD, ask=True)
    answers = {one.stack: one.accepted for one in found.answers}
    assert answers["java"] is False
    assert answers["openssl-3"] is True


def test_certificates_in_files_of_no_store_all_count(cast: Cast, make: Maker) -> None:
    """They have to be imported into a store anyway, and nothing is noted of them."""
    held = make.opened(cast.root.pem_chain() + cast.issuing.pem_chain(chain=False))
    assert len(java_trust.seen((held,))) == 2
    assert java_trust.notes((held,)) == ()
