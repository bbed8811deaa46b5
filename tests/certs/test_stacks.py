"""What each stack would say of a chain, held against what live servers and libraries said.

`stack_chains.json` has 35 client chains; `stack_verdicts.csv` what each server (``live:``) and each
library (``api:``) made of them on 2026-11-23: A accepted, R refused. They are judged at that date.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit import verify
from mtlskit.__main__ import main
from mtlskit.certs import paths, signing, stack_extras
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.name_rules import TOLD_LIMIT
from mtlskit.certs.path_rules import Walk
from mtlskit.certs.profiles import BASE, SWITCHES, Profile, profile, profiles
from mtlskit.certs.rulings import Question
from mtlskit.certs.stack_paths import search_as
from mtlskit.certs.stack_rules import judged
from mtlskit.certs.stacks import STACKS, Answer, predict, section, verdicts
from mtlskit.lab.differences import differences
from mtlskit.lab.pki import Authority
from mtlskit.material import Source
from mtlskit.page.blocks import Page
from mtlskit.page.text import text

if TYPE_CHECKING:
    from conftest import Cast, Maker

HERE = Path(__file__).parent
MEASURED = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
VALID_BY_THEN = "leaf-future"
"""The one chain whose verdict turned from the day of measuring to `LATER`: its leaf began."""
NOW = datetime.now(UTC)

# The column, the profile, and whether the handshake was part of it.
COLUMNS = {
    "live:nginx": ("nginx", True),
    "live:pyssl": ("openssl-3", True),
    "live:pysslstrict": ("openssl-strict", True),
    "live:go": ("go", True),
    "live:java": ("java", True),
    "live:grpc": ("boringssl", True),
    "api:openssl3.0": ("openssl-3", False),
    "api:openssl3.0-strict": ("openssl-strict", False),
    "api:openssl4.0": ("openssl-4", False),
    "api:go1.27": ("go", False),
    "api:java17": ("java", False),
    "api:gnutls3.7": ("gnutls", False),
    "api:pyca50": ("webpki", False),
}


@dataclass(frozen=True)
class Chain:
    """One measured chain, and what was said of it by column."""

    leaf: Certificate
    sent: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]
    said: Mapping[str, str]


def _read(pem: str, where: str) -> Certificate:
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    return read_certificate(der, Source(where))


@pytest.fixture(scope="module")
def measured() -> Mapping[str, Chain]:
    chains = json.loads((HERE / "stack_chains.json").read_text("utf-8"))
    with (HERE / "stack_verdicts.csv").open(encoding="utf-8", newline="") as file:
        said = {row["id"]: row for row in csv.DictReader(file)}
    return {
        name: Chain(
            _read(one["leaf"], "leaf"),
            tuple(_read(pem, "sent") for pem in one["sent"]),
            tuple(_read(pem, "trusted") for pem in one["trusted"]),
            said[name],
        )
        for name, one in chains.items()
    }


@pytest.mark.filterwarnings("ignore")  # cryptography warns of the odd certificates among them
@pytest.mark.parametrize("column", COLUMNS)
def test_every_measured_verdict_is_predicted(measured: Mapping[str, Chain], column: str) -> None:
    """What a server or library said on the day of measuring is what its profile predicts."""
    stack, handshake = COLUMNS[column]
    missed = {}
    for name, one in measured.items():
        found = predict(one.leaf, one.sent, one.anchors, stack, MEASURED, handshake=handshake)
        if found.accepted != (one.said[column] == "A"):
            missed[name] = found.because
    assert missed == {}
    assert len(measured) == 35


@pytest.mark.filterwarnings("ignore")
def test_a_week_later_one_verdict_has_turned(measured: Mapping[str, Chain]) -> None:
    """On 2026-12-01 every cell is the same but those of the leaf that has become valid."""
    missed = [
        name
        for name, one in measured.items()
        for column, (stack, handshake) in COLUMNS.items()
        if predict(one.leaf, one.sent, one.anchors, stack, LATER, handshake=handshake).accepted
        != (one.said[column] == "A")
    ]
    assert set(missed) == {VALID_BY_THEN}
    assert len(missed) < 0.05 * len(measured) * len(COLUMNS)


def _question(name: str, role: str = "client") -> Question:
    one = differences()[name]

    def facts(certificate: x509.Certificate, where: str) -> Certificate:
        return read_certificate(certificate.public_bytes(Encoding.DER), Source(where))

    return Question(
        facts(one.leaf, "leaf"),
        tuple(facts(each, "sent") for each in one.sent),
        tuple(facts(each, "trusted") for each in one.anchors),
        role,
        NOW,
    )


@pytest.mark.parametrize("name", sorted(differences()))
def test_the_base_profile_is_the_path_search(name: str) -> None:
    """With the RFC's switches the stacks' engine says what `paths.search` says."""
    one = _question(name)
    found = search_as(one, profile(BASE), handshake=False)
    usual = paths.answer(one)
    assert found.accepted == usual.accepted, (found.reasons, usual.reasons)
    if not usual.accepted:
        assert found.reasons[0].code == usual.reasons[0].code


@pytest.mark.parametrize(
    ("name", "stack", "accepted", "switch"),
    [
        ("depth-2", "nginx", False, "intermediates"),
        ("depth-10", "java", False, "sent"),
        ("depth-9", "webpki", False, "intermediates"),
        ("only-intermediate-trusted", "openssl-3", False, "partial"),
        ("cross-signed-self-signed-first", "openssl-3", False, "building"),
        ("cross-signed-self-signed-first", "go", True, None),
        ("renewed-old-sent-first", "boringssl", False, "building"),
        ("root-expired", "java", True, "anchor_unasked"),
        ("root-server-purpose", "gnutls", True, "anchor_unasked"),
        ("leaf-any-purpose", "openssl-3", False, "any_purpose"),
        ("intermediate-server-purpose", "java", True, "issuer_purposes"),
        ("leaf-usage-keyAgreement", "openssl-3", True, "leaf_usages"),
        ("leaf-usage-keyEncipherment", "go", True, "leaf_usages"),
        ("leaf-is-ca", "webpki", False, "ca_leaf"),
        ("issuer-case-differs", "go", False, "names"),
        ("aki-mismatch", "openssl-3", False, "key_identifiers"),
        ("aki-missing", "openssl-strict", False, "extras"),
        ("leaf-rsa-1024", "java", True, None),
        ("dn-constraint-kept", "go", False, "refused_constraints"),
        ("uri-constraint-broken", "gnutls", True, "unchecked_constraints"),
        ("ip-constraint-kept", "boringssl", False, "unmet_constraints"),
        ("dns-constraint-no-san-cn-host-outside", "java", False, "common_name"),
        ("self-signed-trusted-expired", "java", True, "pinned_leaf"),
    ],
)
def test_the_switch_that_makes_the_difference_is_named(
    name: str,
    stack: str,
    accepted: bool,  # noqa: FBT001 - a column of the table above
    switch: str | None,
) -> None:
    """Where a stack's verdict is not the RFC's, the one switch that turns it is told."""
    one = _question(name)
    found = predict(one.leaf, one.others, one.anchors, stack, NOW)
    assert found.accepted is accepted
    if switch is not None:
        assert found.switch == switch
        assert profile(stack).table[switch].says in found.because
        assert found.source


def test_no_switch_is_named_where_all_agree() -> None:
    """A sound chain is accepted by every stack, an unknown issuer refused, and no rule differs."""
    for name, accepted in (("sound", True), ("intermediate-missing", False)):
        for verdict in verdicts(_question(name)):
            assert (verdict.accepted, verdict.switch) == (accepted, None), verdict
            assert (verdict.reason is None) is accepted


def test_every_stack_has_every_switch_with_words_and_source() -> None:
    """The table leaves no switch of any stack without a value, a sentence and a source."""
    names = {"openssl-3", "openssl-4", "openssl-strict", "nginx", "java", "go", "gnutls"}
    assert {*names, "boringssl", "webpki"} == set(STACKS)
    base = profile(BASE)
    for stack in profiles().values():
        for name in SWITCHES:
            known = stack.table[name]
            assert known.value == getattr(stack, name)
            assert type(known.value) is type(base.table[name].value), (stack.name, name)
            assert known.says
            assert known.source
        assert set(stack.extras) <= set(stack_extras.EXTRAS)
        assert set(stack.table) == set(SWITCHES), "a switch that no profile has"


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_turns_some_verdict(switch: str) -> None:
    """Each switch, set as some stack has it, changes the RFC's verdict on one chain at least."""
    base = profile(BASE)
    others = {getattr(one, switch) for one in profiles().values()} - {getattr(base, switch)}
    if switch in _SHOWN_ELSEWHERE:
        return
    asked = [_question(name) for name in differences()]
    usual = [search_as(one, base).accepted for one in asked]
    for other in others:
        turned = [search_as(one, _with(base, switch, other)).accepted for one in asked]
        if turned != usual:
            return
    pytest.fail(f"{switch} makes no difference to any chain")


_SHOWN_ELSEWHERE = {
    # What these decide does not stand in the lab's chains; the measured ones have it.
    "anchor_flag",
    "leaf_version_3",
    "policies",
    "refused_hashes",
    "refused_keys",
    "searched_intermediates",
    "self_issued_count",
    "serials",
    "signing_keys",
    "unmet_exclusions",
    "unreadable_keys",
    "partial",
    "critical_known",
    "alternative_names",
}


def _with(base: Profile, switch: str, value: object) -> Profile:
    return replace(base, **{switch: value})


def test_verify_judges_as_the_stack_that_is_named(cast: Cast, make: Maker) -> None:
    """`verify(profile=...)` answers by the stack's rules and says whose they were."""
    chain = [make.facts(cast.client), make.facts(cast.issuing)]
    trust = [make.facts(cast.issuing)]
    assert verify(chain, trust=trust).accepted
    found = verify(chain, trust=trust, profile="nginx")
    assert not found.accepted
    assert found.profile == "nginx"
    assert found.reasons[0].code == "missing-issuer"
    assert "Refused by nginx" in str(found)
    assert verify(chain, trust=trust, profile="java").accepted


def test_an_unknown_profile_is_named_with_those_that_there_are(cast: Cast, make: Maker) -> None:
    """One sentence says which profiles there are."""
    with pytest.raises(ValueError, match=r"There is no profile 'jav'.*openssl-3.*java"):
        verify([make.facts(cast.client)], trust=[], profile="jav")


def test_a_server_is_judged_by_a_stacks_rules_too(make: Maker) -> None:
    """As a client, a stack asks a server's certificate for its purpose and name."""
    root = Authority.root("CN=Acme Root, O=Acme")
    leaf, trust = make.facts(root.server("CN=s", "s.example")), [make.facts(root)]
    good = verify([leaf], trust=trust, role="server", name="s.example", profile="openssl-3")
    assert good.accepted
    bad = verify([leaf], trust=trust, role="server", name="t.example", profile="openssl-3")
    assert [one.code for one in bad.reasons] == ["name-mismatch"]
    assert "other stacks" not in str(good)


def test_the_page_tells_predicted_from_asked() -> None:
    """The table marks what was predicted and what was asked, and where they differ."""
    one = _question("depth-2")
    said = (
        Answer("nginx", "OpenSSL 9", accepted=False, words="certificate chain too long"),
        Answer("java", "openjdk 99", accepted=False, words="no"),
        Answer("go", "go 1", accepted=None, words="not asked: it is too late"),
    )
    shown = text(Page("p", (section(one, said),)))
    assert "A prediction was wrong" in shown
    assert "Java answered otherwise than was predicted" in shown
    assert "not asked: it is too late" in " ".join(shown.split())
    assert "A prediction was wrong" not in text(Page("p", (section(one),)))


def test_verify_tells_a_program_what_stacks_say(cast: Cast, make: Maker) -> None:
    """The JSON has each stack's verdict, the switch and the answers of real engines."""
    found = verify([make.facts(cast.client)], trust=[make.facts(cast.issuing)])
    told: dict[str, Any] = found.plain()
    assert told["profile"] == "rfc5280"
    assert [one["stack"] for one in told["stacks"]] == list(STACKS)
    assert {one["switch"] for one in told["stacks"] if one["stack"] == "nginx"} == {"partial"}
    assert told["asked"] == []


def test_the_terminal_asks_for_a_stack_by_name(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--profile` decides the verdict and the exit status; an unknown one is wrong usage."""
    chain, trust = tmp_path / "chain.pem", tmp_path / "trust.pem"
    chain.write_bytes(cast.client.pem_chain())
    trust.write_bytes(cast.issuing.pem_chain(chain=False))
    asked = ["verify", str(chain), "--trust", str(trust), "--json"]
    assert main(asked) == 0
    capsys.readouterr()
    assert main([*asked, "--profile", "nginx"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["accepted"], told["profile"]) == (False, "nginx")
    assert main([*asked, "--profile", "nix"]) == 2
    assert "There is no profile 'nix'." in capsys.readouterr().err


def test_many_issuers_of_one_name_are_judged_with_bounded_work(make: Maker) -> None:
    """A hundred re-keyed issuers of one name keep no stack busy beyond the search's limits."""
    root = Authority.root("CN=Acme Root, O=Acme")
    twins = [root.intermediate("CN=Twin, O=Acme") for _ in range(100)]
    sent = tuple(make.facts(one) for one in twins)
    leaf = make.facts(twins[-1].client("CN=c", aki=None))
    for stack in STACKS:
        signing._verified.cache_clear()
        question = Question(leaf, sent, (make.facts(root),), "client", NOW)
        found = search_as(question, profile(stack))
        assert len(found.paths) <= 2 * paths.PATH_LIMIT
        assert signing._verified.cache_info().misses <= paths.CHECK_LIMIT, stack


def test_a_stack_is_not_asked_to_compare_ten_thousand_pairs(make: Maker) -> None:
    """Each stack's rule on name constraints has the bound of the RFC's, and tells few bases."""
    limits = x509.NameConstraints([x509.DNSName(f"{at}.a.example") for at in range(150)], None)
    root = Authority.root("CN=root")
    issuing = root.intermediate("CN=issuing", extra=[(limits, True)])
    above = make.facts(issuing), make.facts(root)
    for named, code in ((30, "name-constraint"), (150, "malformed")):
        leaf = make.facts(issuing.client("CN=x", san=[f"{at}.b.example" for at in range(named)]))
        walk = Walk((leaf, *above), anchored=True, role="client", at=datetime.now(UTC))
        for stack in profiles().values():
            told = [one for one in judged(walk, stack) if one.code == code]
            assert 1 <= len(told) <= TOLD_LIMIT
            assert all(len(one.because) < 400 for one in told)
