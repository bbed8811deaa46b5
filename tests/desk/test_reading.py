from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.collect.tables import Progress
from mtlskit.desk.guide import Guide
from mtlskit.desk.plan import Watch
from mtlskit.desk.pool import pooled, unpooled
from mtlskit.desk.reading import STOPPED, StoppedError, _teller
from mtlskit.lab.exports import WORLDS
from mtlskit.lab.pki import Authority
from mtlskit.lab.records import attachment
from mtlskit.lab.table_api import Api, Served, of_world, table_api
from mtlskit.material import Blob, Source


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with table_api(of_world()) as api:
        yield api


@pytest.fixture
def guide() -> Guide:
    return Guide()


def trusting(guide: Guide, served: Served, put: Callable[..., None]) -> None:
    """Type everything but the password."""
    reading = guide.instance.reading
    pem = b"".join(
        x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM) for one in served.trust
    )
    put(reading.trust, Blob(Source("lab-root.pem"), pem))
    assert "1 certificate of lab-root.pem will vouch" in reading.message.value
    reading.instance.value = served.url
    reading.user.value = served.api.user


def test_the_tables_of_a_running_instance_are_read(
    guide: Guide, served: Served, put: Callable[..., None], widget_state: Callable[[], str]
) -> None:
    """They fill the settings as exports would; the password is in no widget afterwards."""
    trusting(guide, served, put)
    guide.instance.reading.password.value = served.api.password
    guide.instance.reading.button.click()
    assert "read as reader" in guide.instance.reading.message.value
    assert guide.case.settings is not None
    assert guide.case.settings.profiles
    assert guide.instance.state == "optional"  # the lab's failure is still chosen, and uses none
    assert "What was read: 12 files or tables" in guide.instance.table.value
    assert "What these settings do to a call out" in guide.instance.table.value
    assert guide.instance.reading.password.value == ""
    assert served.api.password not in widget_state()
    assert {method for method, _ in served.asked} == {"GET"}


def test_reading_again_takes_the_place_of_the_first(
    guide: Guide, served: Served, put: Callable[..., None]
) -> None:
    """A table counts once; forgetting forgets all of it."""
    trusting(guide, served, put)
    for _ in range(2):
        guide.instance.reading.password.value = served.api.password
        guide.instance.reading.password._handle_custom_msg({"event": "submit"}, [])
    sources = guide.case.settings.sources if guide.case.settings else ()
    assert len(sources) == len(set(sources)) > 0
    guide.instance.forget.click()
    assert guide.case.settings is None
    assert "What was read" not in guide.instance.table.value


def test_the_key_stores_of_an_instance_go_to_the_step_of_identities(
    guide: Guide, put: Callable[..., None]
) -> None:
    """Where they are wanted; there they wait for their own password, and no case keeps them."""
    store = Authority.root("CN=Acme Root").client("CN=Acme Client").p12("pa55")
    kept = tuple(one for one in WORLDS["broken"].records if one.table != "sys_attachment")
    world = replace(WORLDS["broken"], records=kept)
    with table_api(
        Api(world.having(*attachment("Partner Client Keystore", "a.p12", store)).records)
    ) as api:
        trusting(guide, api, put)
        guide.instance.reading.stores.value = True
        guide.instance.reading.password.value = api.api.password
        guide.instance.reading.button.click()
    guide.endpoint.what.value = "own"
    assert "Still locked" in guide.keys.message.value
    guide.keys.password.value = "pa55"
    guide.keys.open.click()
    assert guide.keys.state == "done"
    stores = unpooled(pooled(guide.case)).settings.key_stores
    assert {file.blob for one in stores for file in one.attachments or ()} == {None}


def test_a_wrong_password_is_told_where_it_was_typed(
    guide: Guide, served: Served, put: Callable[..., None]
) -> None:
    """The instance's refusal in words, without the secret; nothing was read."""
    trusting(guide, served, put)
    guide.instance.reading.password.value = "canary-5417"
    guide.instance.reading.button.click()
    assert 'role="alert"' in guide.instance.reading.message.value
    assert "canary-5417" not in guide.instance.reading.message.value
    assert guide.case.settings is None
    assert not guide.instance.reading.button.disabled


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("", "x", "Type the instance"),
        ("acme", "", "Type the password, or a token"),
        ("http://acme.service-now.com", "x", "begins with https://"),
        ("a b", "x", "names no instance"),
    ],
)
def test_what_is_missing_is_said_before_anyone_is_called(
    guide: Guide, name: str, password: str, says: str
) -> None:
    """And the password is gone from its field either way."""
    reading = guide.instance.reading
    reading.instance.value, reading.password.value = name, password
    reading.button.click()
    assert says in reading.message.value
    assert reading.password.value == ""


def test_a_user_or_query_in_the_address_is_dropped(guide: Guide) -> None:
    """It may be a secret: it stays in no field, and nobody is told of it."""
    reading = guide.instance.reading
    reading.instance.value, reading.proxy.value = "https://me:canary@127.0.0.1:1/x?t=canary", "p"
    reading.password.value = "x"
    reading.button.click()
    assert "canary" not in reading.instance.value + reading.message.value
    assert "The proxy cannot be read" in reading.message.value


def test_a_file_without_a_certificate_vouches_for_nothing(
    guide: Guide, put: Callable[..., None]
) -> None:
    """It is named."""
    put(guide.instance.reading.trust, Blob(Source("notes.txt"), b"hello"))
    assert "notes.txt holds no certificate" in guide.instance.reading.message.value


def test_a_reading_that_was_stopped_keeps_nothing(
    guide: Guide, served: Served, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next page is not asked for, and the button can be used again."""
    trusting(guide, served, put)
    reading = guide.instance.reading
    monkeypatch.setattr(
        "mtlskit.desk.reading._teller",
        lambda watch: _teller(replace(watch, stopped=lambda: True)),
    )
    reading.password.value = served.api.password
    reading.button.click()
    assert STOPPED in reading.message.value
    assert guide.case.settings is None
    assert not reading.button.disabled


def test_each_page_is_told_until_it_is_stopped() -> None:
    """Table and number of records; after a stop there is no next page."""
    seen: list[str] = []
    watch = Watch(lambda _, text: seen.append(text))
    _teller(watch)(Progress("sys_properties", 5, 9))
    assert seen == ["sys_properties: 5 of 9 records."]
    with pytest.raises(StoppedError):
        _teller(replace(watch, stopped=lambda: True))(Progress("sys_properties", 9, 9))
