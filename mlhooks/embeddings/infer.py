"""The encoder: texts to vectors, by sentence-transformers. No Django."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

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
        # A bar for each load would be most of what is in the workers' logs.
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
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
    def longest(self) -> int | None:
        """Return how many tokens of a text are read, the rest is passed over; None: all are."""
        most = self.model.max_seq_length
        # A tokenizer without a limit says so by a number that no text reaches.
        return None if most is None or most > 1e9 else int(most)

    @property
    def runs_on(self) -> str:
        """Return the device and the type of its numbers, in words."""
        chosen = self.model.device
        name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "processor"
        return f"{name}, {str(next(self.model.parameters()).dtype).removeprefix('torch.')}"

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
        features = self.model.preprocess([prompt + text for text in texts])
        moved = {
            name: value.to(self.model.device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        out = self.model(moved)
        pooled = torch.nn.functional.normalize(out["sentence_embedding"].float(), dim=1)
        vectors = pooled.cpu().numpy()
        if "token_embeddings" not in out or not getattr(self.model.tokenizer, "is_fast", False):
            return [Read(vector, b"") for vector in vectors]
        offsets = self._offsets([prompt + text for text in texts])
        # sums[b, t] = the sum of the first t tokens' vectors
        masked = out["token_embeddings"].float() * features["attention_mask"].to(
            self.model.device
        ).unsqueeze(-1)
        sums = torch.nn.functional.pad(masked.cumsum(dim=1), (0, 0, 1, 0)).cpu().numpy()
        return [
            Read(vector, _packed(row, offset, place, len(prompt)))
            for vector, row, offset, place in zip(vectors, sums, offsets, places, strict=True)
        ]

    @property
    def _prompt(self) -> str:
        """Return what this model wants to read before a document."""
        prompts = self.model.prompts
        return prompts.get("document") or prompts.get("passage") or ""

    def _offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return the characters each token stands for; (0, 0) for those that stand for none."""
        found = self.model.tokenizer(
            list(texts),
            truncation=self.longest is not None,
            max_length=self.longest,
            return_offsets_mapping=True,
        )
        offsets: list[list[tuple[int, int]]] = found["offset_mapping"]
        return offsets


def _packed(sums: Vectors, offsets: Sequence[tuple[int, int]], places: Places, shift: int) -> bytes:
    """Return the sentences of a passage, from running sums float32[t + 1, d]."""
    whole = sums[len(offsets)]
    norm = float(np.linalg.norm(whole))
    found: list[tuple[tuple[int, int], Vectors]] = []
    token = 0
    for (start, end), place in places:
        while token < len(offsets) and offsets[token][1] <= start + shift:
            token += 1
        first = token
        while token < len(offsets) and offsets[token][1] and offsets[token][0] < end + shift:
            token += 1
        if token > first:
            found.append((place, sums[token] - sums[first]))
    if not found:
        return b""
    step = max(float(np.abs(part).max()) for _, part in found) / 127 or 1.0
    return telling.pack(
        norm,
        step,
        [
            telling.Sentence(
                *place,
                float(np.linalg.norm(whole - part)),
                np.round(part / step).astype(np.int8).tobytes(),
            )
            for place, part in found
        ],
    )
