"""Facts of one certificate: right where openssl and cryptography tell them, tolerant elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate, read_certificate, signature_name, time_from
from mtlskit.certs.distinguished import Name, name_from
from mtlskit.certs.extensions import GeneralName
from mtlskit.certs.paths import search
from mtlskit.lab.pki import Authority, Issued, self_signed
from mtlskit.material import Source, Unreadable

if TYPE_CHECKING:
    from conftest import Cast, Maker

SAN = "2.5.29.17"
EVEN_ODDER = "\u202egpj.exe\x1b[2J<script>"


@pytest.mark.needs("openssl")
def test_the_facts_are_those_that_openssl_prints(
    make: Maker, cast: Cast, files: Path, program: Callable[[str], str]
) -> None:
    """Subject, issuer, serial number, dates and fingerprint are the same as openssl's."""
    ours = make.facts(cast.client)
    said = make.run(
        *(program("openssl"), "x509", "-in", str(files / "client.pem"), "-noout"),
        *("-subject", "-issuer", "-serial", "-startdate", "-enddate", "-fingerprint", "-sha256"),
        *("-nameopt", "RFC2253", "-dateopt", "iso_8601"),
    )
    told = dict(line.split("=", 1) for line in said.splitlines())
    assert told["subject"] == str(ours.subject)
    assert told["issuer"] == str(ours.issuer)
    assert int(told["serial"], 16) == ours.serial
    assert told["notBefore"] == f"{ours.not_before:%Y-%m-%d %H:%M:%SZ}"
    assert told["notAfter"] == f"{ours.not_after:%Y-%m-%d %H:%M:%SZ}"
    assert told["sha256 Fingerprint"].replace(":", "").lower() == ours.sha256


def test_the_facts_are_those_that_cryptography_reads(make: Maker, cast: Cast) -> None:
    """Key identifiers, usages, flags and names agree with an independent reader."""
    ours, theirs = make.facts(cast.issuing), cast.issuing.certificate
    exts = theirs.extensions
    assert ours.ski == exts.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    aki = exts.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert ours.aki == aki
    assert (ours.version, ours.ca, ours.path_length) == (3, True, ours.path_length)
    assert "keyCertSign" in (ours.ku or ())
    assert [str(one.oid) for one in ours.extensions] == [one.oid.dotted_string for one in exts]
    assert ours.signature_algorithm == "ecdsa-with-SHA256"
    assert not ours.self_issued
    assert make.facts(cast.root).self_issued


def test_names_and_purposes_are_told_by_kind(make: Maker, cast: Cast) -> None:
    """Every form of a SAN has its kind; purposes and keys have the names that people use."""
    every = cast.root.issue(
        "CN=all",
        san=["a.example", "2001:db8::1", "x@y.example", "spiffe://a/b"],
        eku=["clientAuth", "1.2.3.4"],
    )
    ours = make.facts(every)
    assert ours.san == (
        GeneralName("dns", "a.example"),
        GeneralName("ip", "2001:db8::1"),
        GeneralName("email", "x@y.example"),
        GeneralName("uri", "spiffe://a/b"),
    )
    assert ours.eku == ("clientAuth", "1.2.3.4")
    assert str(ours.key) == "EC P-256"
    assert str(make.facts(cast.second).key) == "RSA 2048"
    assert (make.facts(cast.second).key.bits, make.facts(cast.second).key.curve) == (2048, None)


@pytest.mark.parametrize("kind", ["EC P-384", "EC P-521", "Ed25519", "Ed448", "RSA 1024"])
def test_keys_are_named(make: Maker, kind: str) -> None:
    """The kind and size of a key are told as people say them."""
    assert str(make.facts(self_signed("CN=k", key=kind)).key) == kind


def test_absent_and_empty_are_not_the_same(make: Maker, cast: Cast) -> None:
    """No extension is None; an extension without contents is an empty tuple."""
    bare = make.facts(cast.root.issue("CN=bare", san=None, eku=None, ku=None, ca=None, ski=None))
    assert (bare.san, bare.eku, bare.ku, bare.ca, bare.ski) == (None,) * 5
    empty = cast.root.issue("CN=empty", san=None, **make.unknown(SAN, b"\x30\0"))
    assert make.facts(empty).san == ()


def test_a_malformed_extension_is_a_problem_and_the_rest_is_told(make: Maker, cast: Cast) -> None:
    """Where cryptography refuses to list any extension, the sound ones are still told."""
    broken = cast.root.issue("CN=broken", san=None, **make.unknown(SAN, b"\x30\x05\x82\x0aab"))
    ours = make.facts(broken)
    with pytest.raises(ValueError, match=r".*"):
        list(broken.certificate.extensions)
    assert ours.san is None
    assert ours.eku is not None
    (problem,) = ours.problems
    assert problem.code == "malformed"
    assert "subjectAltName" in problem.text


def test_two_extensions_of_one_kind_are_a_problem(make: Maker, cast: Cast) -> None:
    """RFC 5280, 4.2 forbids it; the first one counts."""
    twice = cast.root.issue("CN=twice", eku=["clientAuth"], san=None)
    eku = (
        b"\x30\x14\x06\x03\x55\x1d\x25\x04\x0d\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
    )

    def add(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        (_, start, stop) = parts[-1]
        inner, end = asn1.expect(tbs, start, stop, asn1.SEQUENCE)
        before = tbs[: parts[-2][2]]
        return before + asn1.encode(0xA3, asn1.encode(asn1.SEQUENCE, tbs[inner:end] + eku[:22]))

    ours = make.facts(make.forged(twice.der, cast.root, add))
    assert ours.eku == ("clientAuth",)
    assert any("extKeyUsage" in problem.text for problem in ours.problems)


def test_bytes_behind_the_certificate_are_told_and_left_off(make: Maker, cast: Cast) -> None:
    """Trailing bytes are a problem; the DER that is kept is the certificate's alone."""
    ours = make.facts(cast.client.der + b"junk")
    assert ours.der == cast.client.der
    assert [problem.code for problem in ours.problems] == ["trailing-bytes"]


def test_an_odd_serial_number_gives_no_warning(make: Maker, cast: Cast) -> None:
    """A negative or zero serial number is a fact; nothing leaks from the libraries below."""

    def negative(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        return tbs[: parts[0][2]] + b"\x02\x01\xff" + tbs[parts[1][2] :]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = make.facts(make.forged(cast.client.der, cast.issuing, negative))
    assert ours.serial == -1
    assert ours.problems == ()


def test_a_certificate_of_version_1_has_no_extensions(make: Maker, cast: Cast) -> None:
    """Without the version field it is version 1, and its extensions are not looked for."""

    def version_1(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        return tbs[parts[0][2] : parts[-2][2]]

    ours = make.facts(make.forged(cast.client.der, cast.issuing, version_1))
    assert (ours.version, ours.extensions, ours.san) == (1, (), None)
    assert ours.subject.common_name == "Acme Client"


def test_what_does_not_show_is_shown_as_an_escape(make: Maker, cast: Cast) -> None:
    """Control characters and marks that turn the line never reach a screen as themselves."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, EVEN_ODDER)])
    odd = cast.root.issue("CN=placeholder")
    ours = make.facts(odd)

    def renamed(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        return tbs[: parts[4][2]] + name.public_bytes() + tbs[parts[5][2] :]

    ours = make.facts(make.forged(odd.der, cast.root, renamed))
    for shown in (str(ours.subject), ours.label, ours.subject.common_name or ""):
        assert "\u202e" not in shown
        assert "\x1b" not in shown
        assert "script" in shown
    assert dict(ours.subject.rdns[0])["CN"] == EVEN_ODDER


def test_rfc_4514_text_agrees_with_cryptography() -> None:
    """Special characters are escaped as RFC 4514 says, in its order."""
    value = ' a, b+c="d"\\e;<f>#'
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "#Größe "),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, value),
        ]
    )
    assert str(name_from(name.public_bytes())) == name.rfc4514_string()


@pytest.mark.parametrize(
    ("subject", "san", "label"),
    [
        ("CN=Name", ["a.example"], "Name"),
        ("O=Only", ["a.example"], "a.example"),
        ("O=Only", None, "O=Only"),
    ],
)
def test_the_label_is_the_shortest_useful_name(
    make: Maker, cast: Cast, subject: str, san: list[str] | None, label: str
) -> None:
    """The CN, else a SAN, else the subject names a certificate for people."""
    assert make.facts(cast.root.issue(subject, san=san)).label == label


def test_names_are_compared_without_case_and_spacing(make: Maker, cast: Cast) -> None:
    """RFC 5280, 7.1: case and inner spaces do not make another name."""
    one = make.facts(cast.root.issue("CN=Acme  Root, O=ACME")).subject
    other = make.facts(cast.root.issue("CN=acme root, O=Acme")).subject
    assert one.same_as(other)
    assert not one.same_as(make.facts(cast.client).subject)
    assert one.der != other.der


@pytest.mark.parametrize(
    ("tag", "text", "wanted"),
    [
        (asn1.UTC_TIME, b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (asn1.UTC_TIME, b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (asn1.UTC_TIME, b"2601010000Z", datetime(2026, 1, 1, tzinfo=UTC)),
        (asn1.UTC_TIME, b"260101020000+0200", datetime(2026, 1, 1, tzinfo=UTC)),
        (asn1.GENERALIZED_TIME, b"99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (asn1.GENERALIZED_TIME, b"19000101000000Z", datetime(1900, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_form_of_time_is_read(tag: int, text: bytes, wanted: datetime) -> None:
    """UTCTime turns at 1950; GeneralizedTime goes from year 1 to 9999; old forms are read too."""
    assert time_from(tag, text) == wanted


def test_a_date_that_is_none_is_a_problem(make: Maker, cast: Cast) -> None:
    """A thirteenth month hides nothing else; the date counts as the last there is."""
    last = cast.client.certificate.not_valid_after_utc
    text = f"{last:%y%m%d%H%M%S}Z".encode()
    ours = make.facts(cast.client.der.replace(text, text[:2] + b"13" + text[4:]))
    assert ours.not_after.year == 9999
    assert "notAfter" in ours.problems[0].text
    assert ours.subject.common_name == "Acme Client"


def test_the_hash_of_pss_is_told() -> None:
    """RSASSA-PSS says its hash in its parameters; without them it is SHA-1 (RFC 4055)."""
    bare = bytes.fromhex("300b06092a864886f70d01010a")
    sha256 = bytes.fromhex(
        "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
        "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
    )
    assert signature_name(bare) == "rsassaPss with SHA1"
    assert signature_name(sha256) == "rsassaPss with SHA256"


def _outcome(data: bytes) -> Certificate | str:
    try:
        return read_certificate(data, Source("x"))
    except Unreadable as error:
        return error.problem.code


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes make the reader fail otherwise than by saying why."""
    assert isinstance(_outcome(data), Certificate) or _outcome(data) == "damaged"


@given(st.data())
def test_a_certificate_with_a_changed_byte_is_read_or_refused(
    cast: Cast, data: st.DataObject
) -> None:
    """A flipped byte is found, told as a problem, or is another value; nothing else happens."""
    der = bytearray(cast.client.der)
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    found = _outcome(bytes(der))
    if isinstance(found, Certificate):
        shown = f"{found.label} {found.subject} {found.key} {found.problems} {found.san}"
        assert shown
    else:
        assert found == "damaged"


def test_every_cut_is_called_damage(cast: Cast) -> None:
    """A certificate that is cut short anywhere is damaged, and the byte is named."""
    der = cast.client.der
    for size in range(2, len(der)):
        with pytest.raises(Unreadable, match="at byte") as caught:
            read_certificate(der[:size], Source("x"))
        assert caught.value.problem.code == "damaged"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x30\xfe" + b"\xff" * 200,
        b"\x30\x80" * 5000,
        b"\x30\x82\x10\x00" * 1024,
        b"\x1f" + b"\xff" * 64,
    ],
)
def test_hostile_lengths_and_nesting_are_refused(data: bytes) -> None:
    """Lengths beyond the data, endless tags and deep nesting end in a sentence."""
    assert _outcome(data) == "damaged"


def test_too_many_bytes_are_refused_unread() -> None:
    """A certificate of more than four megabytes is refused before it is parsed."""
    assert _outcome(b"\x30" * (4 * 1024 * 1024 + 1)) == "too-large"


def test_equal_is_the_same_bytes_from_the_same_place(make: Maker, cast: Cast) -> None:
    """Two readings of one place are equal; the same certificate from elsewhere is not."""
    assert make.facts(cast.client, "a") == make.facts(cast.client, "a")
    assert make.facts(cast.client, "a") != make.facts(cast.client, "b")
    assert hash(make.facts(cast.client, "a")) == hash(make.facts(cast.client, "a"))


def test_what_is_remembered_of_a_certificate_is_not_where_it_was_found(
    make: Maker, cast: Cast
) -> None:
    """The same bytes in two files: the facts are the same, each problem names its own file."""
    first, second = (make.facts(cast.client.der + b"\0\0", name) for name in ("a.der", "b.der"))
    assert (str(first.subject), first.key) == (str(second.subject), second.key)
    assert [one.source for one in first.problems] == [Source("a.der")]
    assert [one.source for one in second.problems] == [Source("b.der")]


def test_a_name_that_cannot_be_read_is_like_no_other() -> None:
    """Neither the empty name nor another broken one is the same as a broken one."""
    empty, broken, other = (Name((), der) for der in (b"0\0", b"0\x011", b"0\x021\5"))
    assert broken.same_as(broken)
    assert not broken.same_as(empty)
    assert not broken.same_as(other)


def test_dates_come_in_utc(make: Maker, cast: Cast) -> None:
    """Every date knows its zone."""
    ours = make.facts(cast.client)
    assert ours.not_before.utcoffset() == timedelta(0)
    assert ours.not_after == cast.client.certificate.not_valid_after_utc


def test_an_issuer_of_an_issuer_is_read_as_any_other(make: Maker) -> None:
    """An intermediate of an intermediate has its own issuer and path length."""
    root = Authority.root("CN=r", path_length=3)
    assert make.facts(root).path_length == 3
    made: Issued = root.intermediate("CN=i").intermediate("CN=j")
    assert make.facts(made).issuer.common_name == "i"


def test_a_version_that_cannot_be_is_malformed(make: Maker, cast: Cast) -> None:
    """A version of 2,000 bytes is a problem of the certificate, and a search goes on."""

    def swollen(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        version = asn1.encode(asn1.EXPLICIT, asn1.encode(asn1.INTEGER, b"\x7f" * 2000))
        return version + tbs[parts[0][2] :]

    ours = make.facts(make.forged(cast.client.der, cast.issuing, swollen))
    assert [one.code for one in ours.problems] == ["malformed"]
    assert "version" in ours.problems[0].text
    roots = [make.facts(cast.root)]
    found = search(ours, [make.facts(cast.issuing)], roots, role="client", at=datetime.now(UTC))
    assert not found.accepted
