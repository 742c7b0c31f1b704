"""The databases are what the specification says: nothing missing, nothing different. We may have more."""

import json
import re

import pytest
from support import catalogue, spec
from support.client import ok
from support.platform import wait_for
from support.shop import every, unique

KINDS = {"String": str, "Number": (int, float), "Boolean": bool}
DAY = 86400


@pytest.fixture(scope="session", autouse=True)
def specification():
    if not spec.path().exists():
        pytest.skip(f"{spec.path().name} is not here; SOUK_SHARED names the folder that has spec/")


@pytest.fixture(scope="session")
def drawn(platform):
    """Databases made from the SQL of the specification: name -> name of ours made from it."""
    names = {}
    for database in spec.DATABASES:
        names[database] = f"spec_{database}"
        platform.sql("postgres", f"CREATE DATABASE {names[database]}")
        platform.sql(names[database], spec.sql_of(database))
    return names


@pytest.mark.parametrize("compare", [catalogue.columns, catalogue.constraints, catalogue.indexes])
@pytest.mark.parametrize("database", spec.DATABASES)
def test_nothing_of_the_specification_is_missing_or_different(platform, drawn, database, compare):
    wanted = compare(platform, drawn[database])
    assert wanted
    ours = compare(platform, database)
    missing = sorted(map(str, wanted - ours))
    tables = {row[0] for row in wanted}
    assert missing == [], "ours has instead: " + "\n".join(sorted(str(r) for r in ours - wanted if r[0] in tables))


def test_the_tables_have_no_column_more_that_must_be_filled(platform, drawn):
    """What we add must not refuse the rows that the specification allows."""
    for database, other in drawn.items():
        known = {row[:2] for row in catalogue.columns(platform, other)}
        tables = {table for table, _ in known}
        added = [row for row in catalogue.columns(platform, database) if row[0] in tables and row[:2] not in known]
        for table, column, _, not_null, generated, default in added:
            assert not not_null or default is not None or generated, f"{database}.{table}.{column}"


@pytest.mark.parametrize("database, other", [("user_db", "order_db"), ("order_db", "payment_db"),
                                             ("payment_db", "inventory_db"), ("inventory_db", "user_db")])
def test_each_database_has_a_role_of_its_own_that_enters_no_other(platform, database, other):
    def owner_of(name):
        return platform.scalar("postgres", "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", name)

    owner = owner_of(database)
    assert owner != owner_of(other)
    assert platform.scalar("postgres", "SELECT has_database_privilege(%s, %s, 'CONNECT')", owner, database)
    assert not platform.scalar("postgres", "SELECT has_database_privilege(%s, %s, 'CONNECT')", owner, other)
    assert not platform.scalar("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = %s", owner)


# --- documents -------------------------------------------------------------------------------------------


def covers(text, field):
    """Whether an index is on a member of the document, or on a column of its name."""
    parts = field.split(".")
    path = "{" + ",".join(parts) + "}"
    steps = all(re.search(rf"'{part}'", text) for part in parts)
    column = re.search(rf"[(, ]{re.escape('_'.join(parts))}[), ]", text.partition(" USING ")[2])
    return path in text or f"'{field}'" in text or steps or bool(column)


@pytest.mark.parametrize("collection", ["products", "categories", "reviews"])
def test_every_index_of_the_documents_is_there(platform, collection):
    wanted = [index for index in spec.document_indexes() if index[1] == collection]
    assert wanted
    for database, _, fields, unique_index, is_text in wanted:
        texts = catalogue.index_texts(platform, database, collection)
        assert texts, f"{database} has no table {collection}"
        fitting = [text for text in texts if all(covers(text, field) for field in fields)]
        if unique_index:
            fitting = [text for text in fitting if text.startswith("CREATE UNIQUE")]
        if is_text:
            fitting = [text for text in fitting if "USING gin" in text]
        assert fitting, f"{collection}: no index on {fields} among\n" + "\n".join(sorted(texts))


def misfits(value, shape, path):
    """Where a document has members or types that the specification does not draw."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield path
            return
        for name, member in value.items():
            if name not in shape:
                yield f"{path}.{name} is not in the specification"
            elif member is not None:
                yield from misfits(member, shape[name], f"{path}.{name}")
    elif isinstance(shape, list):
        for index, member in enumerate(value):
            yield from misfits(member, shape[0], f"{path}[{index}]")
    elif shape == "ISODate":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
            yield f"{path} is {value!r}, no time"
    elif not isinstance(value, KINDS[shape]):
        yield f"{path} is {value!r}, not {shape}"


def test_the_documents_have_the_members_of_the_specification(http):
    shapes = spec.document_shapes()
    assert set(shapes) == {"products", "categories", "reviews"}
    products = every(http, "/v1/products")
    for product in products:
        assert list(misfits(product, shapes["products"], product["product_id"])) == []
    always = ("product_id", "sku", "name", "slug", "price", "status", "rating", "is_featured", "created_at", "updated_at")
    assert all(name in product for product in products for name in always)
    for category in ok(http.get("/v1/categories"), 200)["data"]:
        assert list(misfits(category, shapes["categories"], category["category_id"])) == []


# --- Redis -----------------------------------------------------------------------------------------------


def check_hash(redis, key, fields, seconds):
    assert redis.type(key) == "hash", key
    stored = redis.hgetall(key)
    assert set(fields) <= set(stored), f"{key} lacks {set(fields) - set(stored)}"
    assert seconds - 120 < redis.ttl(key) <= seconds, f"{key} lives {redis.ttl(key)} s"
    return stored


def check_items(stored, product_id, quantity, price):
    (item,) = json.loads(stored["items"])
    assert (item["product_id"], item["quantity"], float(item["price"])) == (product_id, quantity, price)
    assert float(stored["subtotal"]) == quantity * price


def test_a_guests_cart_lies_in_redis_as_specified(platform, http, goods):
    product_id = goods.product(price=29.99)["product_id"]
    cart_id = http.cart_with((product_id, 2))
    stored = check_hash(platform.redis, f"cart:session:{cart_id}", ("items", "subtotal", "created_at", "updated_at"), 7 * DAY)
    check_items(stored, product_id, 2, 29.99)
    assert re.fullmatch(r"\d{10}", stored["created_at"]) and re.fullmatch(r"\d{10}", stored["updated_at"])


def test_a_customers_cart_lies_in_redis_as_specified(platform, http, goods):
    product_id = goods.product(price=12.5)["product_id"]
    http.register()
    http.add_item("me", product_id, 2)
    user_id = ok(http.get("/v1/me"), 200)["id"]
    stored = check_hash(platform.redis, f"cart:user:{user_id}", ("items", "subtotal", "updated_at"), 30 * DAY)
    check_items(stored, product_id, 2, 12.5)


def test_a_session_lies_in_redis_as_specified_and_not_under_its_secret(platform, http):
    email = http.register()
    user = ok(http.get("/v1/me"), 200)
    (session,) = ok(http.get("/v1/me/sessions"), 200)["data"]
    stored = check_hash(platform.redis, f"session:{session['id']}",
                        ("user_id", "email", "role", "ip_address", "user_agent", "created_at", "last_accessed_at"), DAY)
    assert (stored["user_id"], stored["email"], stored["role"]) == (user["id"], email, "customer")
    assert not platform.redis.exists(f"session:{http.token}")
    assert http.token not in str(stored)


def test_a_product_is_cached_as_specified(platform, http, goods):
    product_id = goods.product()["product_id"]
    document = http.product(product_id)
    key = f"product:{product_id}"
    wait_for(lambda: platform.redis.exists(key), 5, "the cached product")
    assert platform.redis.type(key) == "string"
    assert 3480 < platform.redis.ttl(key) <= 3600
    cached = json.loads(platform.redis.get(key))
    cached = cached if "product_id" in cached else cached["document"]
    assert cached == document


def test_a_search_is_cached_as_specified(platform, http, goods):
    word = unique("cachelamp").replace("-", "")
    product_id = goods.product(name=f"{word} lamp")["product_id"]

    def search():
        found = ok(http.get("/v1/search", params={"q": word}), 200)["data"]
        return [product["product_id"] for product in found]

    def cached():
        found = [key for key in platform.redis.scan_iter("search:*") if not key.endswith(":meta")]
        return [key for key in found if platform.redis.type(key) == "string"
                and json.loads(platform.redis.get(key)) == [product_id]]

    wait_for(lambda: search() == [product_id], 5, "the search index")
    (key,) = wait_for(lambda: search() and cached(), 5, "the cached search")
    assert re.fullmatch(r"search:[0-9a-f]{16,}", key)
    assert 1680 < platform.redis.ttl(key) <= 1800
