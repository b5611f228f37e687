"""The data of a template from JSON, as Go's ``encoding/json`` takes it for ``template.Data``.

Unknown keys are passed over, a null leaves what is there, and a key may be written in other case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from amfast.model.errors import AmfastError
from amfast.model.labels import make_labels
from amfast.template import gotime
from amfast.template.data import ALERTS, Alert, Data, kv
from amfast.template.timeparsing import parse
from amfast.template.values import FunctionError, Sequence

_RFC3339: Final = "2006-01-02T15:04:05Z07:00"

_FOLDED: Final = {ord("\u017f"): "s"}
"""Letters whose other case is one of ASCII."""

Read = Callable[[Any, str], Any]
"""Takes what JSON says and where it stands, for errors."""


def decode(content: bytes) -> Data:
    """Raises AmfastError."""
    try:
        value = json.loads(content.decode("utf-8", "replace"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise AmfastError(
            f"the data is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise AmfastError(f"the data is not JSON: {why}") from None
    return Data(**_fields(value, "", _DATA), is_pointer=False)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no value")


def _fields(value: object, path: str, known: Mapping[str, tuple[str, Read]]) -> dict[str, Any]:
    """The values of a struct's fields that are there, by attribute."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(value, path, "an object")
    found: dict[str, Any] = {}
    for key, one in value.items():
        attribute, read = known.get(key) or known.get(key.lower().translate(_FOLDED)) or ("", _text)
        if attribute and one is not None:
            found[attribute] = read(one, f"{path}.{key}" if path else key)
    return found


def _wrong(value: object, path: str, wanted: str) -> AmfastError:
    words = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    where = f"{path}: " if path else ""
    return AmfastError(
        f"the data does not fit: {where}expected {wanted}, found {words.get(type(value), 'null')}"
    )


def _text(value: object, path: str) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(value, path, "text")


def _labels(value: object, path: str) -> Any:  # noqa: ANN401 - as Read
    if not isinstance(value, dict):
        raise _wrong(value, path, "an object")
    texts = {name: "" if one is None else _text(one, f"{path}.{name}") for name, one in value.items()}
    return kv(make_labels(texts))


def _time(value: object, path: str) -> gotime.Time:
    text = _text(value, path)
    try:
        return parse(_RFC3339, text)
    except FunctionError as error:
        raise AmfastError(f"the data does not fit: {path}: {error}") from None


def _alerts(value: object, path: str) -> Sequence:
    if not isinstance(value, list):
        raise _wrong(value, path, "a list")
    return Sequence((_alert(one, f"{path}[{index}]") for index, one in enumerate(value)), ALERTS)


def _alert(value: object, path: str) -> Alert:
    empty: dict[str, Any] = {
        "status": "",
        "labels": kv({}),
        "annotations": kv({}),
        "starts_at": gotime.ZERO,
        "ends_at": gotime.ZERO,
        "generator_url": "",
        "fingerprint": "",
    }
    return Alert(**(empty | _fields(value, path, _ALERT)))


def _both_cases(known: dict[str, tuple[str, Read]]) -> dict[str, tuple[str, Read]]:
    return known | {name.lower(): row for name, row in known.items()}


_DATA: Final = _both_cases(
    {
        "receiver": ("receiver", _text),
        "status": ("status", _text),
        "alerts": ("alerts", _alerts),
        "notification_reason": ("notification_reason", _text),
        "groupLabels": ("group_labels", _labels),
        "commonLabels": ("common_labels", _labels),
        "commonAnnotations": ("common_annotations", _labels),
        "routeLabels": ("route_labels", _labels),
        "externalURL": ("external_url", _text),
    }
)
_ALERT: Final = _both_cases(
    {
        "status": ("status", _text),
        "labels": ("labels", _labels),
        "annotations": ("annotations", _labels),
        "startsAt": ("starts_at", _time),
        "endsAt": ("ends_at", _time),
        "generatorURL": ("generator_url", _text),
        "fingerprint": ("fingerprint", _text),
    }
)
