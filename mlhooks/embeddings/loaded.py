"""The encoder of this process: loaded when it is first needed, and once."""

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import Error, connection

from mlhooks.embeddings import registry
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.models import EncoderIndex, Worker

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from mlhooks.embeddings.encoder import Encoder

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_loaded: dict[str, tuple["Encoder", str]] = {}
_fingerprints: dict[str, str] = {}
_told: set[str] = set()


class OtherWeights(NoSuchModel):
    """The weights of an index's encoder are others now than those that read the notes."""


def encoder(name: str) -> tuple["Encoder", str]:
    """Return an encoder and the sha256 of its weights.

    One stays loaded, the last that was asked for: each takes hundreds of megabytes. Raises
    NoSuchModel.
    """
    with _lock:
        if name not in _loaded:
            found = _load(name)
            _loaded.clear()
            _loaded[name] = found
            _fingerprints[name] = found[1]
        _tell_device(_loaded[name][0])
        return _loaded[name]


def configured() -> str:
    """Return the name of the encoder that WIKI_ENCODER asks for."""
    return registry.full_name(settings.WIKI_ENCODER)


def weights_here(name: str) -> str:
    """Return the sha256 of an encoder's weights as this process found them first.

    "" if they are not on this machine, or not what they should be. Loads and fetches nothing.
    """
    if name not in _fingerprints:
        try:
            _fingerprints[name] = registry.verified(name, may_fetch=False)[1]
        except NoSuchModel:
            return ""
    return _fingerprints[name]


def encoder_of(index: EncoderIndex) -> "Encoder":
    """Return the encoder that made an index. Raises NoSuchModel and OtherWeights."""
    found, sha256 = encoder(index.encoder)
    if sha256 != index.weights_sha256:
        raise OtherWeights(
            f"The weights of {index.encoder} are others than those that read the notes. "
            f"`manage.py reembed --encoder {index.encoder}` lets the new ones read them."
        )
    return found


def load_ahead() -> None:
    """Begin to load the encoder that answers in a thread: the first query then waits less."""

    def load() -> None:
        try:
            index = EncoderIndex.objects.active()
            # Loading takes seconds, in which the connection would be of no use.
            connection.close()
            encoder(configured() if index is None else index.encoder)
        except (NoSuchModel, Error) as error:
            logger.error("%s", error)
        finally:
            connection.close()

    threading.Thread(target=load, name="load-encoder", daemon=True).start()


@cache
def splitter() -> "Tokenizer":
    """Return the tokenizer by whose word pieces passages are measured, whatever the encoder.

    Passages are the same for every encoder, so that changing it cuts nothing anew.
    """
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(registry.locate(registry.DEFAULT) / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


def _load(name: str) -> tuple["Encoder", str]:
    from mlhooks.embeddings.encoder import Encoder
    from mlhooks.workers.device import NoSuchDevice

    folder, sha256 = registry.verified(name)
    try:
        return Encoder(folder, asked_device=settings.WIKI_DEVICE), sha256
    except (NoSuchDevice, OSError, ValueError, ImportError) as error:
        raise NoSuchModel(f"The encoder {name} cannot be loaded from {folder}: {error}") from error


def _tell_device(encoder: "Encoder") -> None:
    """Let people see what this worker runs on; once, as soon as it is known as a worker."""
    if encoder.runs_on not in _told and Worker.objects.tell_device(encoder.runs_on):
        _told.add(encoder.runs_on)
