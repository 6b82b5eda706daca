"""What encoding costs by itself: texts from standard input, in one plain process. No Django.

Usage: python -m mlhooks.measuring.benchmarks.encoder_speed FOLDER DEVICE < a JSON list of texts.
Prints {"tokens", "cpu_s"}; loading the model and a first batch are not counted.
"""

import json
import sys
import time
from pathlib import Path

from mlhooks.embeddings.encoder import BATCH, Encoder


def main() -> None:
    """Encode by SentenceTransformer.encode, which puts texts of like length together."""
    folder, asked_device = sys.argv[1:]
    texts = json.load(sys.stdin)
    encoder = Encoder(Path(folder), asked_device=asked_device)
    read = encoder.model.tokenizer(
        texts, truncation=encoder.longest is not None, max_length=encoder.longest
    )
    tokens = sum(map(len, read["input_ids"]))
    encoder.model.encode(texts[:BATCH], batch_size=BATCH, show_progress_bar=False)
    begin = time.process_time()
    encoder.model.encode(
        texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
    )
    print(json.dumps({"tokens": tokens, "cpu_s": time.process_time() - begin}))


if __name__ == "__main__":
    main()
