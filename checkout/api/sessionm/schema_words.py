"""The words schemas of this dialect are written in: plain values as the wire takes them, lists, objects, answers."""

from typing import Any

Schema = dict[str, Any]
Fields = dict[str, Schema]

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ID: Schema = {"type": "string", "format": "uuid", "description": "In either case; answered in lower case."}
MAYBE_ID: Schema = {"type": ["string", "null"], "format": "uuid"}
MOMENT: Schema = {"type": "string", "description": "`2018-06-10 9:20:00.000` or ISO 8601, with or without a zone."}
STAMP: Schema = {"type": ["string", "null"], "format": "date-time"}
AMOUNT: Schema = {
    "type": ["string", "number"],
    "description": "A number, or its text: `10`, `.77`, `-5.00`.",
    "examples": ["11.77"],
}
COUNT: Schema = {"type": ["string", "integer"], "description": "A whole number, or its text."}
YES: Schema = {"type": ["string", "boolean"], "description": '`true`, `false`, or their text in any case: `"true"`.'}
ANYTHING: Schema = {"type": "object", "additionalProperties": True}
NOTHING: Schema = {"type": "null"}
PAGE: Fields = {"skip": COUNT, "take": COUNT}


def listed(one: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": one, **more}


def record(needed: Fields | None = None, optional: Fields | None = None, **more: Any) -> Schema:
    """Return the schema of an object; what it says besides is allowed, as it is on the wire."""
    needed = needed or {}
    schema: Schema = {"type": "object", "properties": {**needed, **(optional or {})}, **more}
    return {**schema, "required": list(needed)} if needed else schema


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def whole(**fields: Schema) -> Schema:
    """Return the schema of an answer, in which every field is always there."""
    return {**record(fields), "additionalProperties": False}
