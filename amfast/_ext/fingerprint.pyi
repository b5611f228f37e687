from collections.abc import Mapping

def label_fingerprint(labels: Mapping[str, str]) -> int:
    """FNV-1a (64 bit) over name, 0xFF, value, 0xFF of each label (reference api, section 4).

    ``labels`` must iterate in name order. Raises UnicodeEncodeError for a lone surrogate.
    """

def alert_hash(labels: Mapping[str, str]) -> int:
    """xxHash64 with seed 0 over the same bytes: what log entries keep (reference notify, section 6a)."""
