"""JSON Schema, as far as our OpenAPI document uses it. A keyword that is not known here is an error."""

import re

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
_NOTES = {"description", "title", "default", "example", "examples", "deprecated"}


def problems(value, schema, document, path="$"):
    """Yields a sentence for each way in which the value is not what the schema says."""
    if schema is True:
        return
    for keyword, wanted in schema.items():
        if keyword in _NOTES:
            continue
        if keyword not in _CHECKS:
            raise NotImplementedError(f"{path}: keyword {keyword} is not known to the validator")
        yield from _CHECKS[keyword](value, wanted, schema, document, path)


def _ref(value, wanted, _schema, document, path):
    target = document
    for part in wanted.removeprefix("#/").split("/"):
        target = target[part]
    yield from problems(value, target, document, path)


def _is(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


def _type(value, wanted, _schema, _document, path):
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_is(value, name) for name in names):
        yield f"{path} is {value!r:.80}, not {' or '.join(names)}"


def _properties(value, wanted, _schema, document, path):
    if isinstance(value, dict):
        for name, member in wanted.items():
            if name in value:
                yield from problems(value[name], member, document, f"{path}.{name}")


def _additional(value, wanted, schema, document, path):
    if not isinstance(value, dict):
        return
    for name in value.keys() - schema.get("properties", {}).keys():
        if wanted is False:
            yield f"{path}.{name} is not in the schema"
        else:
            yield from problems(value[name], wanted, document, f"{path}.{name}")


def _required(value, wanted, _schema, _document, path):
    if isinstance(value, dict):
        yield from (f"{path}.{name} is missing" for name in wanted if name not in value)


def _items(value, wanted, _schema, document, path):
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from problems(item, wanted, document, f"{path}[{index}]")


def _any_of(value, wanted, _schema, document, path):
    if all(list(problems(value, each, document, path)) for each in wanted):
        yield f"{path} fits none of {len(wanted)} schemas"


def _one_of(value, wanted, _schema, document, path):
    fitting = sum(not list(problems(value, each, document, path)) for each in wanted)
    if fitting != 1:
        yield f"{path} fits {fitting} of {len(wanted)} schemas"


def _all_of(value, wanted, _schema, document, path):
    for each in wanted:
        yield from problems(value, each, document, path)


def _enum(value, wanted, _schema, _document, path):
    if value not in wanted:
        yield f"{path} is {value!r}, not one of {wanted}"


_FORMATS = {
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
}


def _format(value, wanted, _schema, _document, path):
    if isinstance(value, str) and wanted in _FORMATS and not _FORMATS[wanted].fullmatch(value):
        yield f"{path} is {value!r}, not a {wanted}"


def _bound(holds, words):
    def check(value, wanted, _schema, _document, path):
        if isinstance(value, (str, int, float, list)) and not isinstance(value, bool) and not holds(value, wanted):
            yield f"{path} is {value!r:.80}, {words} {wanted}"
    return check


def _numbers(holds):
    return lambda value, wanted: isinstance(value, (str, list)) or holds(value, wanted)


def _lengths(kind, holds):
    return lambda value, wanted: not isinstance(value, kind) or holds(len(value), wanted)


_CHECKS = {
    "$ref": _ref, "type": _type, "properties": _properties, "additionalProperties": _additional,
    "required": _required, "items": _items, "anyOf": _any_of, "oneOf": _one_of, "allOf": _all_of, "enum": _enum,
    "format": _format,
    "const": lambda value, wanted, schema, document, path: _enum(value, [wanted], schema, document, path),
    "minimum": _bound(_numbers(lambda a, b: a >= b), "below"),
    "maximum": _bound(_numbers(lambda a, b: a <= b), "above"),
    "multipleOf": _bound(_numbers(lambda a, b: abs(a / b - round(a / b)) < 1e-6), "no multiple of"),
    "minLength": _bound(_lengths(str, lambda a, b: a >= b), "shorter than"),
    "maxLength": _bound(_lengths(str, lambda a, b: a <= b), "longer than"),
    "minItems": _bound(_lengths(list, lambda a, b: a >= b), "with fewer items than"),
    "maxItems": _bound(_lengths(list, lambda a, b: a <= b), "with more items than"),
    "pattern": _bound(lambda value, wanted: not isinstance(value, str) or re.search(wanted, value), "unlike"),
}
