"""The specification of the databases, where it is present: beside the checkout or where SOUK_SHARED says."""

import json
import os
import pathlib
import re

from . import scratch

DATABASES = ("user_db", "order_db", "payment_db", "inventory_db")


def path():
    shared = pathlib.Path(os.environ.get("SOUK_SHARED") or scratch.ROOT.parent / "shared")
    return shared / "spec/database-schemas.md"


def sections():
    """(heading, language, text) of each code block; the heading is the last one that names a database."""
    database, language, block = "", None, []
    for line in path().read_text().splitlines():
        if language is None and (found := re.match(r"###? .*\((\w+_db)\)", line)):
            database = found[1]
        elif line.startswith("```"):
            if language is None:
                language, block = line[3:].strip(), []
            else:
                yield database, language, "\n".join(block)
                language = None
        elif language is not None:
            block.append(line)


def sql_of(database):
    return "\n".join(text for name, language, text in sections() if name == database and language == "sql")


def document_indexes():
    """(database, collection, fields, unique, is text) of each createIndex."""
    for database, language, text in sections():
        if language != "javascript":
            continue
        for collection, keys, options in re.findall(r"db\.(\w+)\.createIndex\(\{([^}]*)\}(?:, \{([^}]*)\})?\)", text):
            fields = re.findall(r'"?([\w.]+)"?:', keys)
            yield database, collection, fields, "unique: true" in options, '"text"' in keys


def document_shapes():
    """{collection: the document as the specification draws it, with the names of its types as values}"""
    shapes = {}
    for _, language, text in sections():
        if language != "javascript":
            continue
        drawn, _, rest = text.partition("// Indexes")
        collection = re.search(r"db\.(\w+)\.", rest)[1]
        drawn = re.sub(r"//.*", "", drawn)
        drawn = re.sub(r"\b(String|Number|Boolean|ISODate|ObjectId)\b", r'"\1"', drawn)
        shapes[collection] = json.loads(re.sub(r"(\w+):(?=\s)", r'"\1":', drawn))
    return shapes
