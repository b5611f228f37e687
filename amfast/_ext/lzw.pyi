"""LZW as memberlist uses it: GIF's variant, least significant bit first, literal width 8.

See reference gossip, section 5.3.
"""

def compress(data: bytes) -> bytes:
    """The LZW stream of ``data``."""

def decompress(data: bytes, size_max: int) -> bytes:
    """The content of an LZW stream; bytes after its end code are ignored.

    Raises RemoteError if the stream is broken or cut off, or holds more than ``size_max`` bytes.
    """
