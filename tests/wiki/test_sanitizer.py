"""Pictures on their way in: upright, without where they were taken, and otherwise untouched."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from tests.wiki.pictures import picture
from wiki.files import metadata, photograph, sanitizer, sanitizer_child
from wiki.files.kinds import GIF, JPEG, PNG, WEBP, Kind
from wiki.files.sanitizer import clean_upload
from wiki.files.store import FileRefused

KINDS = {"JPEG": JPEG, "PNG": PNG, "WEBP": WEBP, "GIF": GIF}
SECRET = b"SECRET"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">SECRET</x:xmpmeta>'


def taken(orientation: int) -> Image.Exif:
    """Return what a phone says of a photograph."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


def kept_of(content: bytes) -> bytes:
    """Return what is kept of an upload, as the process of its own made it."""
    with clean_upload(content) as clean:
        return clean.content if isinstance(clean.content, bytes) else clean.content.read_bytes()


def cleaned(content: bytes) -> bytes:
    """Return the same of a picture, made here."""
    return photograph.clean(content, _kind(content))


def _kind(content: bytes) -> Kind:
    with Image.open(io.BytesIO(content)) as image:
        return KINDS[image.format or ""]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the root of the mean square, in steps of 255."""
    assert one.size == other.size
    counts = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).histogram()
    total = sum(count * (i % 256) ** 2 for i, count in enumerate(counts))
    return float((total / sum(counts)) ** 0.5)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_photograph_is_turned_upright_and_says_nothing_of_its_place(
    kind: str, orientation: int
) -> None:
    given = picture(
        96, 64, kind, exif=taken(orientation), xmp=XMP, icc_profile=PROFILE, comment=SECRET
    )
    kept = cleaned(given)
    assert SECRET not in kept and b"Exif" not in kept
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(kept)) as after:
        assert not after.getexif() and "xmp" not in after.info
        assert after.format == kind and after.info["icc_profile"] == PROFILE
        assert difference(ImageOps.exif_transpose(before), after) < (1.5 if kind != "PNG" else 0.01)
    assert cleaned(kept) == kept


@pytest.mark.parametrize("orientation", range(2, 9))
def test_each_way_of_holding_a_phone_is_undone(orientation: int) -> None:
    given = picture(33, 20, "PNG", exif=taken(orientation))
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(cleaned(given))) as after:
        assert difference(ImageOps.exif_transpose(before), after) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_that_stands_upright_keeps_each_pixel(kind: str) -> None:
    given = picture(96, 64, kind, exif=taken(1))
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(cleaned(given))) as after:
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_turning_takes_nothing_that_can_be_seen(subsampling: int) -> None:
    given = picture(640, 480, "JPEG", exif=taken(6), quality=92, subsampling=subsampling)
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(cleaned(given))) as after:
        assert difference(ImageOps.exif_transpose(before), after) < 1


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_turned_photograph_is_rounded_in_the_steps_of_its_camera(orientation: int) -> None:
    given = picture(64, 32, "JPEG", exif=taken(orientation), qtables=[list(range(1, 65))] * 2)
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(cleaned(given))) as after:
        assert isinstance(before, JpegImageFile) and isinstance(after, JpegImageFile)
        steps = before.quantization[0]
        assert steps[1] != steps[8], "across and down they differ"
        turned = [steps[k % 8 * 8 + k // 8] for k in range(64)] if orientation == 6 else steps
        assert after.quantization[0] == turned


PLAIN = {
    "jpeg": picture(20, 10, "JPEG"),
    "progressive jpeg": picture(200, 100, "JPEG", progressive=True, icc_profile=PROFILE),
    "png": picture(20, 10, "PNG", dpi=(300, 300), icc_profile=PROFILE),
    "webp": picture(20, 10, "WEBP"),
    "lossless webp": picture(20, 10, "WEBP", lossless=True, icc_profile=PROFILE),
    "gif": picture(20, 10, "GIF"),
    "film": picture(
        20, 10, "GIF", save_all=True, append_images=[Image.new("RGB", (20, 10), "red")], loop=0
    ),
    "pdf": b"%PDF-1.7 /Author (SECRET)",
    "text": b"GPS 52.52 13.405",
    "nothing": b"",
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_without_metadata_stays_byte_for_byte(name: str) -> None:
    assert kept_of(PLAIN[name]) == PLAIN[name]


def chunk(name: bytes, content: bytes) -> bytes:
    sum_of = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + sum_of


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


JPG, PNGS = picture(20, 10, "JPEG"), picture(20, 10, "PNG")
WEBP_EXTENDED = picture(20, 10, "WEBP", icc_profile=PROFILE)
GIFS = picture(20, 10, "GIF")
FILM = b"\0\0\0\x18ftypmp42SECRET"


def with_chunk(name: bytes, content: bytes) -> bytes:
    return PNGS[:33] + chunk(name, content) + PNGS[33:]


def with_segment(marker: int, content: bytes) -> bytes:
    return JPG[:2] + segment(marker, content) + JPG[2:]


def riff(extra: bytes) -> bytes:
    body = bytearray(WEBP_EXTENDED[8:] + extra)
    body[12] |= 0x0C  # its header says that it has EXIF and XMP
    return b"RIFF" + struct.pack("<I", len(body)) + body


HIDING = {
    "XMP": (with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP), JPG),
    "IPTC": (with_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04SECRET"), JPG),
    "comment": (with_segment(0xFE, SECRET), JPG),
    "more than one picture": (with_segment(0xE2, b"MPF\0SECRET"), JPG),
    "a camera's own": (with_segment(0xE5, SECRET), JPG),
    "a small picture": (with_segment(0xE0, b"JFXX\0\x10SECRET"), JPG),
    "a film behind a JPEG": (JPG + FILM, JPG),
    "a second JPEG": (JPG + with_segment(0xE1, b"Exif\0\0SECRET"), JPG),
    "text of a PNG": (with_chunk(b"tEXt", b"Comment\0SECRET"), PNGS),
    "XMP of a PNG": (with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), PNGS),
    "IPTC of a PNG": (with_chunk(b"zTXt", b"Raw profile type iptc\0\0SECRET"), PNGS),
    "broken EXIF": (with_chunk(b"eXIf", SECRET), PNGS),
    "a film behind a PNG": (PNGS + FILM, PNGS),
    "a chunk nobody knows": (with_chunk(b"caBX", SECRET), PNGS),
    "XMP of a WebP": (riff(b"XMP \6\0\0\0SECRET"), WEBP_EXTENDED),
    "a film behind a WebP": (WEBP_EXTENDED + FILM, WEBP_EXTENDED),
    "comment of a GIF": (GIFS[:-1] + b"\x21\xfe\x06SECRET\0;", GIFS),
    "XMP of a GIF": (GIFS[:-1] + b"\x21\xff\x0bXMP DataXMP\x06SECRET\0;", GIFS),
    "a film behind a GIF": (GIFS + FILM, GIFS),
}


@pytest.mark.parametrize("name", HIDING)
def test_whatever_pixels_do_not_need_is_left_out(name: str) -> None:
    given, bare = HIDING[name]
    assert metadata.strip(given, _kind(bare)).picture == bare


@pytest.mark.parametrize("content", [JPG, PNGS, WEBP_EXTENDED, GIFS])
def test_a_picture_cut_off_anywhere_is_damaged_or_clean(content: bytes) -> None:
    kind = _kind(content)
    for length in range(16, len(content), 7):
        try:
            assert content.startswith(metadata.strip(content[:length], kind).picture[:2])
        except metadata.Damaged:
            continue


def test_a_photograph_is_cleaned_by_a_process_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(picture(96, 64, "JPEG", exif=taken(6)))
    with clean_upload(file) as clean:
        assert isinstance(clean.content, Path) and clean.content != file
        assert clean.content.read_bytes() == cleaned(file.read_bytes())
    assert not clean.content.exists() and file.exists()


def test_a_damaged_picture_is_refused_in_words() -> None:
    with pytest.raises(FileRefused, match="damaged.*Save it anew"):
        kept_of(PNGS[:60])


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    bomb = bytearray(PNGS)
    bomb[16:24] = (40_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    with pytest.raises(FileRefused, match="more than 50 million pixels"):
        kept_of(bytes(bomb))


def test_metadata_that_unpacks_to_gigabytes_is_never_unpacked() -> None:
    packed = zlib.compress(bytes(50_000_000), 9)
    assert kept_of(with_chunk(b"zTXt", b"Comment\0\0" + packed)) == PNGS


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_photograph_nobody_here_can_read_is_refused_with_a_way_out(brand: bytes) -> None:
    with pytest.raises(FileRefused, match="Save the picture as JPEG or PNG"):
        kept_of(b"\0\0\0\x18ftyp" + brand + bytes(20))


def test_a_picture_that_takes_too_long_is_refused(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(sanitizer, "MAX_WALL_S", 0.001)
    with pytest.raises(FileRefused, match="takes too long"):
        kept_of(JPG)


def test_the_child_that_cleans_has_limits(monkeypatch: Any, tmp_path: Path) -> None:
    limits: dict[int, Any] = {}
    monkeypatch.setattr(sanitizer_child.resource, "setrlimit", limits.__setitem__)
    (tmp_path / "a.jpg").write_bytes(JPG)
    assert sanitizer_child.main("jpg", str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")) == 0
    assert not (tmp_path / "b.jpg").exists()
    assert limits == {
        sanitizer_child.resource.RLIMIT_CPU: (15, 15),
        sanitizer_child.resource.RLIMIT_DATA: (1024**3, 1024**3),
    }
