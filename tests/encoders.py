"""Encoders for tests: of the shipped one's shape, with its tokenizer and random weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel

from mlhooks.embeddings import registry


def make_tiny(folder: Path, *, dimensions: int = 32, longest: int = 256, seed: int = 1) -> Path:
    """Make a folder that sentence-transformers loads; the same weights for the same seed."""
    shipped = registry.shipped_folder(registry.DEFAULT)
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    shape = {
        "hidden_size": dimensions,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": dimensions,
    }
    rewrite(folder / "config.json", shape)
    rewrite(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dimensions})
    rewrite(folder / "sentence_bert_config.json", {"max_seq_length": longest})
    make_weights(folder, seed)
    return folder


def make_weights(folder: Path, seed: int) -> None:
    """Write weights into the folder of a tiny encoder, in place of those that are there."""
    torch.manual_seed(seed)
    AutoModel.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)


def make_static(folder: Path) -> Path:
    """Make an encoder whose vectors are means of fixed vectors, one for each word piece."""
    torch.manual_seed(1)
    shipped = registry.shipped_folder(registry.DEFAULT)
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    tokenizer.no_truncation()
    static = StaticEmbedding(tokenizer, embedding_dim=16)
    SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return folder


def rewrite(file: Path, changes: dict[str, Any]) -> None:
    """Change some entries of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
