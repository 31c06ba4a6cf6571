"""What files say of themselves, against Pillow, which reads them independently."""

import io

import numpy as np
import pytest
from PIL import Image

from headsmith.media.image_facts import decode_as_stored, image_facts

SIZE = (7, 5)
KINDS = {
    ("L", "png"): (1, 8),
    ("RGB", "png"): (3, 8),
    ("RGBA", "png"): (4, 8),
    ("LA", "png"): (2, 8),
    ("I;16", "png"): (1, 16),
    ("1", "png"): (1, 1),
    ("P", "png"): (1, 1),
    ("L", "jpeg"): (1, 8),
    ("RGB", "jpeg"): (3, 8),
    ("CMYK", "jpeg"): (4, 8),
}


def written(mode, kind, **options):
    buffer = io.BytesIO()
    Image.new(mode, SIZE).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("mode", "kind"), KINDS)
def test_header_and_end(mode, kind):
    content = written(mode, kind)
    facts = image_facts(content)
    assert (facts.kind, facts.size) == ("jpg" if kind == "jpeg" else kind, SIZE)
    assert (facts.channels, facts.bits) == KINDS[mode, kind]
    assert facts.palette == (mode == "P") and facts.whole
    assert not image_facts(content[:-12]).whole


def test_a_progressive_jpeg_with_a_thumbnail_before_its_header():
    content = written("RGB", "jpeg", progressive=True, comment=b"x" * 300, exif=Image.Exif())
    assert (image_facts(content).size, image_facts(content).channels) == (SIZE, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10", b"\xff\xd8\xff"])
def test_what_is_no_image_says_nothing(content):
    assert image_facts(content) is None


def test_pixels_come_as_they_are_stored():
    assert decode_as_stored(written("RGBA", "png")).shape == (5, 7, 4)
    assert decode_as_stored(written("L", "png")).shape == (5, 7)
    assert decode_as_stored(written("I;16", "png")).dtype == np.uint16
    assert decode_as_stored(b"broken") is None
