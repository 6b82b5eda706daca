"""What models run on: a GPU or the processor, in the fastest number type that is good enough."""

import ctypes

import torch

_libc = ctypes.CDLL(None)


class NoSuchDevice(Exception):
    """WIKI_DEVICE asks for what this machine lacks; the text is a sentence."""


def choose(asked: str) -> torch.device:
    """Return the device for WIKI_DEVICE: auto, cpu or cuda. Raises NoSuchDevice."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise NoSuchDevice(
            "WIKI_DEVICE is cuda, but PyTorch finds no GPU here. Install a PyTorch for it "
            "(TORCH_INDEX), or set WIKI_DEVICE=auto."
        )
    is_gpu = asked == "cuda" or (asked == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if is_gpu else "cpu")


def number_type(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device computes with it, else float32.

    Elsewhere a processor emulates it, many times slower than float32.
    """
    if device.type == "cuda":
        has_it = torch.cuda.is_bf16_supported()
    else:
        # Not public, but the only way to ask without reading /proc, which only Linux has.
        has_it = bool(torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if has_it else torch.float32


def give_back_memory() -> None:
    """Let the system have what tensors of many sizes leave behind in pieces.

    A process would keep it for the next ones, which are of other sizes, and grow. Does nothing
    where the C library is not GNU's.
    """
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
