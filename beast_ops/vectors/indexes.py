# SPDX-License-Identifier: Apache-2.0
"""Payload indexes: by type alone, or with parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .edge import MEMORY, engine
from .errors import malformed
from .fields import Fields

TYPES = {
    "keyword": engine.PayloadSchemaType.Keyword,
    "integer": engine.PayloadSchemaType.Integer,
    "float": engine.PayloadSchemaType.Float,
    "geo": engine.PayloadSchemaType.Geo,
    "text": engine.PayloadSchemaType.Text,
    "bool": engine.PayloadSchemaType.Bool,
    "datetime": engine.PayloadSchemaType.Datetime,
    "uuid": engine.PayloadSchemaType.Uuid,
}
PARAMS = {
    "keyword": (engine.KeywordIndexParams, ("is_tenant", "prefix")),
    "integer": (engine.IntegerIndexParams, ("lookup", "range", "is_principal")),
    "float": (engine.FloatIndexParams, ("is_principal",)),
    "geo": (engine.GeoIndexParams, ()),
    "bool": (engine.BoolIndexParams, ()),
    "datetime": (engine.DatetimeIndexParams, ("is_principal",)),
    "uuid": (engine.UuidIndexParams, ("is_tenant",)),
    "text": (engine.TextIndexParams, ("lowercase", "ascii_folding", "phrase_matching")),
}
TOKENIZERS = {
    "prefix": engine.TokenizerType.Prefix,
    "whitespace": engine.TokenizerType.Whitespace,
    "word": engine.TokenizerType.Word,
    "multilingual": engine.TokenizerType.Multilingual,
}


def operation(name: str, schema: Any) -> engine.UpdateOperation:
    """Return the engine's operation that creates the index *name*, or drops it without a schema.

    Raises:
        RefusedError: If the path or the schema is wrong.
    """
    try:
        if schema is None:
            return engine.UpdateOperation.delete_field_index(name)
        return engine.UpdateOperation.create_field_index(name, read_schema(schema, "field_schema"))
    except ValueError as error:
        raise malformed(f"field_name: {error}") from error


def read_schema(value: Any, where: str) -> Any:
    """Return a type, or a type with parameters, as the engine takes it."""
    if isinstance(value, str):
        return Fields({"type": value}, where).need_in("type", TYPES)
    fields = Fields(value, where)
    kind = fields.need_in("type", {name: name for name in TYPES})
    build, flags = PARAMS[kind]
    options: dict[str, Any] = {flag: fields.take(flag, bool) for flag in flags}
    options["on_disk"] = fields.take("on_disk", bool)
    options["enable_hnsw"] = fields.take("enable_hnsw", bool)
    options["memory"] = fields.choice("memory", MEMORY)
    options["nested"] = fields.take("nested", str)
    if kind == "text":
        options |= _text(fields)
    fields.done()
    return build(**options)


def _text(fields: Fields) -> dict[str, Any]:
    return {
        "tokenizer": fields.choice("tokenizer", TOKENIZERS),
        "min_token_len": fields.number("min_token_len", 0),
        "max_token_len": fields.number("max_token_len", 0),
        "stopwords": fields.read("stopwords", _stopwords),
        "stemmer": fields.read("stemmer", _stemmer),
    }


def _language(kind: Any) -> Callable[[Any, str], Any]:
    def read(value: Any, where: str) -> Any:
        found = getattr(kind, value.capitalize(), None) if isinstance(value, str) else None
        if found is None:
            raise malformed(f"{where}: unknown language {value!r}")
        return found

    return read


def _stopwords(value: Any, where: str) -> Any:
    language = _language(engine.Language)
    if isinstance(value, str):
        return language(value, where)
    fields = Fields(value, where)
    named = {language(each, fields.at("languages")) for each in fields.strings("languages") or []}
    custom = set(fields.strings("custom") or [])
    fields.done()
    return engine.StopwordsSet(languages=named or None, custom=custom or None)


def _stemmer(value: Any, where: str) -> Any:
    fields = Fields(value, where)
    kind = fields.need_in("type", {"snowball": "snowball", "none": "none"})
    if kind == "none":
        fields.done()
        return engine.DisabledStemmer()
    language = _language(engine.SnowballLanguage)(fields.raw("language"), fields.at("language"))
    fields.done()
    return engine.SnowballParams(language)
