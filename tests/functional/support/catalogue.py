"""What PostgreSQL says of the tables of a database, as sets that can be compared."""

_COLUMNS = """
    SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
           a.attgenerated::text AS generated, pg_get_expr(d.adbin, d.adrelid) AS "default"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p')"""

_CONSTRAINTS = """
    SELECT c.relname AS table, k.conname AS name, pg_get_constraintdef(k.oid) AS definition
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"""

_INDEXES = """
    SELECT tablename AS table, indexname AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = 'public'"""


def rows(platform, database, query):
    return {tuple(row.values()) for row in platform.sql(database, query)}


def columns(platform, database):
    return rows(platform, database, _COLUMNS)


def constraints(platform, database):
    return rows(platform, database, _CONSTRAINTS)


def indexes(platform, database):
    return rows(platform, database, _INDEXES)


def index_texts(platform, database, table):
    """Definitions of a table's indexes, in which each generated column is followed by what it is generated from."""
    generated = {column: expression for name, column, _, _, kind, expression in columns(platform, database)
                 if name == table and kind}
    texts = []
    for name, _, definition in indexes(platform, database):
        if name == table:
            used = [f"{column} = {expression}" for column, expression in generated.items() if column in definition]
            texts.append(" ".join([definition, *used]))
    return texts
