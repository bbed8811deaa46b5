"""The made-up exports: the samples in data/ are what the command makes, and nothing is real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtlskit.certs.keystore import open_store
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import settings_from
from mtlskit.lab import exports
from mtlskit.material import Blob, Source

SAMPLES = Path(__file__).parents[2] / "data" / "exports"


def test_the_samples_are_what_the_command_makes(tmp_path: Path) -> None:
    """Running the documented command again gives the same files, byte for byte, and no others."""
    exports.main([str(tmp_path)])

    def files(root: Path) -> dict[str, bytes]:
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    assert files(SAMPLES) == files(tmp_path)


def test_the_readme_names_every_world_and_its_command() -> None:
    """Whoever reads the data's page learns how each set was made and what is wrong in it."""
    page = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert "python -m mtlskit.lab.exports data/exports" in page
    for world in exports.WORLDS.values():
        assert f"`{world.id}`" in page
        assert all(f"`{cause}`" in page for cause in world.causes)


@pytest.mark.parametrize("world", exports.WORLDS.values(), ids=lambda world: world.id)
def test_every_id_is_derived_and_every_host_is_an_example(world: exports.World) -> None:
    """No record of a real instance and no real host can be in a sample."""
    derived = {exports.sys_id(one.table, one.key) for one in world.records}
    for data in exports.files_of(world).values():
        text = data.decode()
        assert set(re.findall("[0-9a-f]{32}", text)) <= derived
        assert all(
            host.endswith("example.com") for host in re.findall(r"https?://([^/:\"<]+)", text)
        )


def test_with_key_stores_the_exports_carry_files_that_open(tmp_path: Path) -> None:
    """Each attached key store is made anew, and opens with the password that is told."""
    exports.main([str(tmp_path), "--key-stores"])
    data = (tmp_path / "keystore-reference" / "instance.xml").read_bytes()
    settings = settings_from([read_export(Blob(Source("instance.xml"), data))])
    opened = {
        file.file_name: open_store(file.blob, (exports.PASSWORD,)).identities
        for store in settings.key_stores or ()
        for file in store.attachments or ()
        if file.blob
    }
    assert opened.keys() == {"samlkeystore.jks", "partner.jks", "partner2026.jks"}
    assert all(len(held) == 1 for held in opened.values())
