"""A second encoder: the shape of the shipped one made tiny, with random weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel

from mlhooks import registry

DIMENSIONS = 64
SHAPE = {
    "hidden_size": DIMENSIONS,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": DIMENSIONS,
}


def make(folder: Path) -> None:
    """Make a folder that sentence-transformers loads; the same weights each time."""
    shipped = registry.shipped_folder(registry.DEFAULT)
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    _rewrite(folder / "config.json", SHAPE)
    _rewrite(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": DIMENSIONS})
    torch.manual_seed(1)
    AutoModel.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)


def _rewrite(file: Path, changes: dict[str, Any]) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
