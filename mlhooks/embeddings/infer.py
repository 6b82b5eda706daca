"""The encoder: texts to vectors, by sentence-transformers. No Django."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer

from mlhooks import device
from mlhooks.embeddings import telling

BATCH = 32
Vectors = NDArray[np.float32]
# Places in a text: (start, end) in characters, and where that is in the passage.
Places = Sequence[tuple[tuple[int, int], tuple[int, int]]]


@dataclass(frozen=True)
class Read:
    """What the encoder makes of a passage: its vector, float32[d], and its packed sentences."""

    vector: Vectors
    sentences: bytes


class Encoder:
    """A sentence-transformers model on a device."""

    def __init__(self, folder: Path, *, asked_device: str = "auto") -> None:
        """Load the model from its folder, asking nobody for more.

        Raises NoSuchDevice, OSError and ValueError.
        """
        chosen = device.choose(asked_device)
        self.model = SentenceTransformer(
            str(folder),
            device=str(chosen),
            local_files_only=True,
            model_kwargs={"dtype": device.number_type(chosen)},
        )
        self.model.eval()

    @cached_property
    def dimensions(self) -> int:
        """Return d."""
        return int(self.encode(["a"]).shape[1])

    @property
    def longest(self) -> int:
        """Return how many tokens of a text are read; the rest is passed over."""
        return int(self.model.max_seq_length or 512)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a vector of length 1 for each text: float32[n, d]. Longest texts first."""
        found = self.model.encode_document(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32)

    def encode_query(self, text: str) -> Vectors:
        """Return the vector of what somebody looks for: float32[d], of length 1."""
        found = self.model.encode_query([text], normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found[0], dtype=np.float32)

    def read(self, texts: Sequence[str], places: Sequence[Places]) -> Iterator[tuple[int, Read]]:
        """Yield the number of each text, in any order, and what is made of it.

        Texts of like length share a batch, so little is computed for padding.
        """
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        for first in range(0, len(order), BATCH):
            numbers = order[first : first + BATCH]
            batch = [texts[number] for number in numbers]
            read = self._read_batch(batch, [places[number] for number in numbers])
            yield from zip(numbers, read, strict=True)

    @torch.inference_mode()
    def _read_batch(self, texts: Sequence[str], places: Sequence[Places]) -> list[Read]:
        prompt = self._prompt
        texts = [prompt + text for text in texts]
        if not self._tells_sentences:
            return [Read(vector, b"") for vector in self.encode(texts)]
        features = self.model.tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
            return_offsets_mapping=True,
        )
        offsets = features.pop("offset_mapping").tolist()
        lengths = features["attention_mask"].sum(dim=1).tolist()
        out = self.model(dict(features.to(self.model.device)))
        pooled = torch.nn.functional.normalize(out["sentence_embedding"].float(), dim=1)
        tokens = out["token_embeddings"]
        return [
            Read(vector, _packed(row[:length].float().cpu(), offset, place, len(prompt)))
            for vector, row, length, offset, place in zip(
                pooled.cpu().numpy(), tokens, lengths, offsets, places, strict=True
            )
        ]

    @property
    def _prompt(self) -> str:
        """Return what this model wants to read before a document."""
        prompts = self.model.prompts
        return prompts.get("document") or prompts.get("passage") or ""

    @cached_property
    def _tells_sentences(self) -> bool:
        """Whether this model gives a vector for each token, and tells which letters it read."""
        is_transformer = isinstance(self.model[0], Transformer)
        return is_transformer and bool(getattr(self.model.tokenizer, "is_fast", False))


def _packed(
    tokens: torch.Tensor, offsets: Sequence[tuple[int, int]], places: Places, shift: int
) -> bytes:
    """Return the sentences of a passage, from its tokens' vectors float32[t, d]."""
    ranges = []
    token, last = 0, len(tokens)
    for (start, end), place in places:
        while token < last and offsets[token][1] <= start + shift:
            token += 1
        first = token
        while token < last and offsets[token][1] and offsets[token][0] < end + shift:
            token += 1
        if token > first:
            ranges.append((first, token, place))
    if not ranges:
        return b""
    whole = tokens.sum(dim=0)
    parts = torch.stack([tokens[first:end].sum(dim=0) for first, end, _ in ranges])
    step = float(parts.abs().max()) / 127 or 1.0
    norms = torch.linalg.vector_norm(whole - parts, dim=1).tolist()
    rounded = (parts / step).round().to(torch.int8).numpy()
    return telling.pack(
        float(torch.linalg.vector_norm(whole)),
        step,
        [
            telling.Sentence(*place, norm, row.tobytes())
            for (_, _, place), norm, row in zip(ranges, norms, rounded, strict=True)
        ],
    )
