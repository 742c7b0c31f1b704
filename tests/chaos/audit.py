"""The auditor: copies the services' rows into a scratch database and runs invariants.sql there."""

import io
import pathlib
import re

import psycopg2
from support import simulator

QUERIES = pathlib.Path(__file__).with_name("invariants.sql")
COPIED = {
    "order_db": ("orders", "order_items", "order_status_history", "checkout_sagas", "cancellation_sagas",
                 "shipments", "shipment_items", "idempotency_keys", "outbox_events", "coupons", "coupon_uses"),
    "payment_db": ("payments", "refunds"),
    "inventory_db": ("inventory", "inventory_transactions", "stock_reservations"),
    "notification_db": ("notifications",),
}
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


def invariants():
    """{name: query}"""
    parts = re.split(r"^-- name: (.*)$", QUERIES.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (query.strip() for query in parts[1::2]), strict=True))


def violations(platform):
    """Sentences about every row that should not be."""
    platform.sql("postgres", "DROP DATABASE IF EXISTS souk_audit WITH (FORCE)")
    platform.sql("postgres", "CREATE DATABASE souk_audit")
    connection = psycopg2.connect(platform.postgres_url, dbname="souk_audit")
    try:
        with connection, connection.cursor() as cursor:
            for database, tables in COPIED.items():
                cursor.execute(f"CREATE SCHEMA {database}")
                for table in tables:
                    _copy(platform, database, table, cursor)
            _copy_gateway(platform, cursor)
            return [f"{name}: {row}" for name, query in invariants().items() for row in _rows(cursor, query)]
    finally:
        connection.close()


def _rows(cursor, query):
    cursor.execute(query)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, map(str, row), strict=True)) for row in cursor.fetchall()]


def _copy(platform, database, table, cursor):
    columns = platform.sql(database, _COLUMNS, table)
    drawn = ", ".join(f"{column['name']} {column['type']}" for column in columns)
    cursor.execute(f"CREATE TABLE {database}.{table} ({drawn})")
    buffer = io.StringIO()
    with psycopg2.connect(platform.postgres_url, dbname=database) as source, source.cursor() as reader:
        reader.copy_expert(f"COPY (SELECT * FROM {table}) TO STDOUT", buffer)
    source.close()
    buffer.seek(0)
    cursor.copy_expert(f"COPY {database}.{table} FROM STDIN", buffer)


def _copy_gateway(platform, cursor):
    cursor.execute("CREATE SCHEMA gateway")
    for table, rows in (("charges", simulator.charges(platform)), ("refunds", simulator.refunds(platform))):
        cursor.execute(f"CREATE TABLE gateway.{table} (order_id text, amount numeric)")
        for row in rows:
            cursor.execute(f"INSERT INTO gateway.{table} VALUES (%s, %s)", (row["order_id"], row["amount"]))
