from collections.abc import Mapping

def json_text(text: str) -> bytes:
    """A text as JSON, safe inside HTML. Raises UnicodeEncodeError where it is none (lone surrogates)."""

def json_labels(labels: Mapping[str, str]) -> bytes:
    """Labels as a JSON object, in their order."""
