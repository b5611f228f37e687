"""What the templates of tests/conformance/html print: the same values as in its values.go."""

import base64
from typing import Any

from amfast.template.content import CSS, HTML, HTML_ATTR, JS, JS_STR, SRCSET, URL
from amfast.template.values import INT, STRINGS, Kind, Sequence, Type, Word

VALUES: dict[str, Any] = {
    "A": "<b onclick=\"x('y')\">&amp; a+b</b>\u2028",
    "B": "javascript:alert(1)",
    "D": "a b/c?d=e&f#g%20%zz,ü",
    "E": "",
    "N": -42,
    "F": 1.5,
    "L": Sequence(["a", "<b>"], STRINGS),
    "M": {"k": "</script>", "a": None},
    "R": Sequence([1, 2], Type("[]int", Kind.SLICE, elem=INT)),
    "T": True,
    "O": False,
    "Nil": None,
    "Bytes": "x\udcffy\x00\t\v\x01",
    "CSS": "color: \\3c expr/**/ession(1)",
    "Path": "/x y?z=é",
    "Word": "word",
    "Evil": "\"'`--></title></textarea></style><script>*/ \\ ]]> ${x}{y} {{z}}",
    "H": Word('<i title=\'a>b\'>H &amp; "q"</i><!-- c --><style>p<b title=">x</style>y', HTML),
    "U": Word("javascript:u('%41 ,')", URL),
    "J": Word('f("</x>")', JS),
    "JS": Word("a\\n'\"</x>", JS_STR),
    "C": Word("p{color:red}</style>", CSS),
    "At": Word('dir="ltr"', HTML_ATTR),
    "S": Word("/a 2x, javascript:b 1x", SRCSET),
}


def plain(text: str) -> str:
    """A string of the vectors, where bytes that are no UTF-8 stand as base64."""
    if text.startswith("base64:"):
        return base64.b64decode(text[7:]).decode(errors="surrogateescape")
    return text
