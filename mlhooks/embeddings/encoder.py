"""The encoder: texts to vectors, by sentence-transformers. No Django."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from transformers.utils import logging as transformers_logging

from mlhooks.embeddings import sentence_attribution
from mlhooks.workers import device

BATCH = 32
# So many tokens are read at once, by device. More are no faster on a processor, and what they
# take is not given back. Texts are padded to a multiple of so many: for each new shape something
# is kept as well.
TOKENS = {"cpu": 1_024, "cuda": 16_384}
MULTIPLE = 16
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
        if not texts:
            return
        prompt = self._prompt
        if not self._tells_sentences:
            vectors = self.encode([prompt + text for text in texts])
            yield from ((number, Read(vector, b"")) for number, vector in enumerate(vectors))
            return
        found = self.model.tokenizer(
            [prompt + text for text in texts],
            truncation=self.longest is not None,
            max_length=self.longest,
            return_offsets_mapping=True,
        )
        offsets = found.pop("offset_mapping")
        lengths = [len(ids) for ids in found["input_ids"]]
        for numbers in _batches(lengths, TOKENS[self.model.device.type]):
            batch = {name: [rows[number] for number in numbers] for name, rows in found.items()}
            made = self._read_batch(batch)
            for number, (vector, tokens) in zip(numbers, made, strict=True):
                shift = len(prompt)
                yield number, Read(vector, _packed(tokens, offsets[number], places[number], shift))
        device.give_back_memory()

    @torch.inference_mode()
    def _read_batch(self, batch: dict[str, Any]) -> list[tuple[Vectors, torch.Tensor]]:
        """Return a vector for each text, and one for each of its tokens: float32[t, d]."""
        features = self.model.tokenizer.pad(
            batch, padding=True, pad_to_multiple_of=MULTIPLE, return_tensors="pt"
        ).to(self.model.device)
        out = self.model(dict(features))
        pooled = torch.nn.functional.normalize(out["sentence_embedding"].float(), dim=1)
        lengths = features["attention_mask"].sum(dim=1).tolist()
        tokens = [
            row[:length].float().cpu()
            for row, length in zip(out["token_embeddings"], lengths, strict=True)
        ]
        return list(zip(pooled.cpu().numpy(), tokens, strict=True))

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


def _batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield the numbers of texts that are read together, longest first: `most` padded tokens."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


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
    return sentence_attribution.pack(
        float(torch.linalg.vector_norm(whole)),
        step,
        [
            sentence_attribution.Sentence(*place, norm, row.tobytes())
            for (_, _, place), norm, row in zip(ranges, norms, rounded, strict=True)
        ],
    )
