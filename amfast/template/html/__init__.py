"""HTML that stays what its template says, whatever the values are (Go's html/template)."""

from .escapers import ESCAPERS
from .rewriting import escape

__all__ = ["ESCAPERS", "escape"]
