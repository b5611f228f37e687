"""Bodies of ``POST /api/v2/alerts`` by chance: a few alerts said over and over, in many words, right and wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator

from amfast.model.timestamp import NS, Time, format_nano

NAMES = ("alertname", "job", "instance", "a", "b", "\u00e9", "<b>")
VALUES = ("1", "2", "10", "x.y", "", "<&>\u2028", '\x01"\\/\n\t', "\u65e5\u672c", "\U0001f600", "\x7f\u0080")
URLS = (
    "",
    "http://p:9090/graph?g0.expr=up&x=%zz",
    "/path",
    "http://h/<&>",
    "nope",
    "http://a b/",
    "http://:9/\u00e9",
)
SHORT = {
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
ODD_TIMES = (
    "0000-02-29T00:00:00Z", "0000-01-01T00:00:00+02:00",
    "0001-01-01T00:00:00Z", "0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00.000000001Z", "", "2026-01-02",
    "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-24:60", "0001-01-01T00:00:00+23:59",
    "2027-01-15T08:00:00.123456789123Z", "2027-01-15T08:00:00,5Z", "2027-01-15 08:00:00", "2027-01-15T08:00Z",
    "2027-01-15T8:00:00Z", "2027-01-15T08:00:00.123+0100",
)  # fmt: skip
WRONG_TIMES = (
    "x",
    "2027-02-30T00:00:00Z",
    "2027-01-15t08:00:00Z",
    "2027-01-15T08:00:00+01",
)
JUNK = ("1", "-0.5e+3", "true", "null", "[]", "{}", '"x"', '[{"y":[null]},2]')
BROKEN = (
    b"\xff",
    b"\xe4\xb8",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\ude00\\ud83d",
    b"\\ud83d\\ude00",
    b"\\ud83dx",
)
END = b"\x00END\x00"
"""Stands in a template where the text of the end goes."""


class Poster:
    """Makes bodies. It remembers what it sent, to say it again with another end, in another order, or spoilt."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._sent: list[list[bytes]] = []
        self.now_ns = 0

    def body(self, now_ns: int) -> bytes:
        rng = self._rng
        self.now_ns = now_ns
        chance = rng.random()
        if chance < 0.65 and self._sent:
            templates = self._again(rng.choice(self._sent[-4:]))
        else:
            templates = [self._template() for _ in range(rng.randint(0, 6))]
        if len(templates) > 1 and rng.random() < 0.2:
            templates.append(rng.choice(templates))
        self._sent.append(templates)
        body = self._join(templates)
        return spoilt(rng, body) if chance > 0.93 else body

    def refused(self) -> None:
        """Mostly say no more what was refused, or soon nothing else would be said."""
        if self._sent and self._rng.random() < 0.9:
            self._sent.pop()

    def _again(self, templates: list[bytes]) -> list[bytes]:
        rng = self._rng
        chosen = list(templates)
        if rng.random() < 0.3:
            rng.shuffle(chosen)
        if rng.random() < 0.3:
            chosen = chosen[: rng.randint(0, len(chosen))] + rng.choice(self._sent[-50:])
        if chosen and rng.random() < 0.3:
            at = rng.randrange(len(chosen))
            chosen[at : at + 1] = [self._template() for _ in range(rng.randint(0, 2))]
        return chosen[:40]

    def _join(self, templates: list[bytes]) -> bytes:
        rng = self._rng
        end = self._time()
        items = []
        for template in templates:
            if rng.random() < 0.3:
                end = self._time()
            items.append(template.replace(END, end.encode()))
        comma = rng.choice((b",", b",", b" ,\n", b",\t"))
        return rng.choice((b"[", b" \n[ ")) + comma.join(items) + rng.choice((b"]", b" ] rest"))

    def _time(self) -> str:
        rng = self._rng
        chance = rng.random()
        if chance < 0.05:
            return rng.choice(ODD_TIMES)
        if chance < 0.053:
            return rng.choice(WRONG_TIMES)
        ns = self.now_ns + rng.randint(-12, 12) * 50 * NS + rng.choice((0, 0, 1, 500_000_000))
        return format_nano(Time(ns, rng.choice((0, 0, 0, 3600, -19_800, 86_400))))

    def _string(self, text: str) -> bytes:
        rng = self._rng
        if rng.random() < 0.004:
            return b'"' + text.encode()[:0] + rng.choice(BROKEN) + b'"'
        escapes = rng.random() < 0.2
        return b'"' + b"".join(self._char(char, escapes=escapes) for char in text) + b'"'

    def _char(self, char: str, *, escapes: bool) -> bytes:
        rng = self._rng
        if escapes and rng.random() < 0.5:
            units = char.encode("utf-16-be")
            form = rng.choice(("\\u%02x%02x", "\\u%02X%02X"))
            return "".join(form % pair for pair in zip(units[::2], units[1::2], strict=True)).encode()
        if char in '"\\' or (escapes and char in SHORT):
            return SHORT[char].encode()
        return f"\\u{ord(char):04x}".encode() if char < " " else char.encode()

    def _map(self, names: tuple[str, ...], most: int) -> bytes:
        rng = self._rng
        pairs = []
        for _ in range(rng.randint(0, most)):
            value = self._string(rng.choice(VALUES))
            if rng.random() < 0.005:
                value = rng.choice(JUNK).encode()
            pairs.append(self._string("" if rng.random() < 0.004 else rng.choice(names)) + b":" + value)
        return b"{" + b",".join(pairs) + b"}"

    def _labels(self) -> bytes:
        rng = self._rng
        if rng.random() < 0.85:  # one of a few, so that they are said again in other words
            name = rng.choice(("up", "down"))
            pairs = {
                "alertname": name,
                "job": rng.choice("12"),
                "instance": rng.choice("123"),
                "a": rng.choice("12"),
            }
            pairs = {name: value for name, value in pairs.items() if rng.random() < 0.9}
            return (
                b"{"
                + b",".join(self._string(name) + b":" + self._string(pairs[name]) for name in pairs)
                + b"}"
            )
        return self._map(NAMES, 4)

    def _template(self) -> bytes:
        rng = self._rng
        parts = list(self._properties())
        rng.shuffle(parts)
        space = rng.choice((b"", b"", b"", b" ", b"\n\t"))
        return b"{" + (space + b"," + space).join(parts) + space + b"}"

    def _properties(self) -> Iterator[bytes]:
        rng = self._rng
        if rng.random() < 0.995:
            yield self._key("labels") + self._labels()
        if rng.random() < 0.5:
            yield self._key("annotations") + self._map(("summary", "x", "\u00e9"), 3)
        if rng.random() < 0.7:
            yield self._key("startsAt") + b'"' + self._time().encode() + b'"'
        if rng.random() < 0.7:
            yield self._key("endsAt") + b'"' + END + b'"'
        if rng.random() < 0.4:
            # What is no URL refuses the whole body, so it must be rare.
            urls = URLS if rng.random() < 0.03 else (*URLS[:4], URLS[6])
            yield self._key("generatorURL") + self._string(rng.choice(urls))
        if rng.random() < 0.1:
            yield self._key(rng.choice(("x", "status", ""))) + rng.choice(JUNK).encode()
        if rng.random() < 0.05:  # once more, as null or as something else
            name = rng.choice(("labels", "annotations", "startsAt", "endsAt", "generatorURL"))
            again = {"labels": b'{"a":"7"}', "annotations": b'{"x":"7"}', "generatorURL": b'"http://h/7"'}
            value = again.get(name, b'"' + self._time().encode() + b'"')
            yield self._key(name) + (b"null" if rng.random() < 0.4 else value)
        if rng.random() < 0.002:
            yield (
                self._key(rng.choice(("labels", "annotations", "startsAt", "endsAt", "generatorURL"))) + b"1"
            )

    def _key(self, name: str) -> bytes:
        rng = self._rng
        if rng.random() < 0.05:
            name = "".join(rng.choice((char.lower(), char.upper())) for char in name).replace(
                "s", "\u017f", 1
            )
        return self._string(name) + rng.choice((b":", b":", b" : "))


def spoilt(rng: random.Random, body: bytes) -> bytes:
    """The body with a few bytes changed, put in or taken out."""
    data = bytearray(body)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        piece = rng.choice(
            (b"", b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\xff", b"null", b"1e", b"-", b"t", b"\t")
        )
        if rng.random() < 0.3:
            piece = bytes((rng.randrange(256),))
        data[at : at + rng.randint(0, 2)] = piece
    return bytes(data)
