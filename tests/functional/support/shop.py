"""What the tests of the shop share: goods of their own, refusals, and the books behind an order."""

import concurrent.futures
import json
import uuid


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


class Goods:
    """Puts products of a test's own on sale, so that no two tests buy the same stock."""

    def __init__(self, platform):
        self.platform = platform

    def document(self, product_id, quantity=20, price=25.0, **members):
        """A product as the importer reads it; `members` replace those of the document."""
        return {
            "product_id": product_id,
            "sku": f"SKU-{product_id}",
            "name": f"Test lamp {product_id}",
            "slug": f"test-lamp-{product_id}",
            "description": "A lamp that only tests buy.",
            "category": {"id": "cat_test", "name": "Test goods", "slug": "test-goods"},
            "brand": {"name": "Testwerk"},
            "price": {"regular": price, "currency": "USD"},
            "tags": ["test"],
            "status": "active",
            "quantity": quantity,
            **members,
        }

    def product(self, quantity=20, price=25.0, **members):
        """Imports one product and returns its document."""
        document = self.document(members.pop("product_id", None) or unique("t"), quantity, price, **members)
        self.put(document)
        return document

    def with_variants(self, quantity=20, price=25.0, count=2):
        """A product with variants, the second 5.00 dearer than the first and so on."""
        product_id = unique("v")
        variants = [{"variant_id": f"{product_id}-{n}", "sku": f"SKU-{product_id}-{n}", "size": f"S{n}",
                     "color": "Black", "price_adjustment": 5.0 * n, "available": True, "quantity": quantity}
                    for n in range(count)]
        return self.product(product_id=product_id, price=price, variants=variants, quantity=0)

    def put(self, *documents):
        """Imports documents; raises when the importer refuses one."""
        file = self.platform.home / f"{unique('goods')}.jsonl"
        file.write_text("".join(json.dumps(each) + "\n" for each in documents))
        file.chmod(0o644)
        done = self.platform.run("import", "products", str(file))
        assert done.returncode == 0, f"import answered {done.returncode}: {done.stdout}{done.stderr}"


def at_once(*calls):
    """Runs the calls at the same time, each in a thread of its own, and returns their results in order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def refused(response, status, code, field=None, field_code=None):
    """Asserts that a reply is the problem it should be, and returns it."""
    text = f"{response.request.method} {response.request.path_url}: {response.status_code} {response.text[:1500]}"
    assert response.status_code == status, f"not {status} {code}: {text}"
    assert response.headers["Content-Type"].split(";")[0] == "application/problem+json", text
    problem = response.json()
    codes = (code,) if isinstance(code, str) else code
    assert problem["code"] in codes, f"not {codes}: {text}"
    assert problem["status"] == status, text
    for member in ("type", "title", "detail", "request_id"):
        assert problem.get(member), f"{member} is missing: {text}"
    if field is not None:
        errors = {error["field"]: error["code"] for error in problem.get("errors", [])}
        assert field in errors, f"no error names {field}: {text}"
        assert field_code is None or errors[field] == field_code, text
    return problem


def cents(amount):
    """An amount of money as whole cents, from JSON or from PostgreSQL."""
    return round(float(amount) * 100)


def stock(platform, sellable_id):
    """(quantity, reserved quantity) of a sellable item."""
    (row,) = platform.sql("inventory_db", "SELECT quantity, reserved_quantity FROM inventory WHERE product_id = %s",
                          sellable_id)
    return row["quantity"], row["reserved_quantity"]


def reservations(platform, order_id):
    """Statuses of an order's reservations."""
    rows = platform.sql("inventory_db", "SELECT status FROM stock_reservations WHERE order_id = %s", str(order_id))
    return [row["status"] for row in rows]


def ledger(platform, sellable_id):
    """(type, quantity) of an item's movements, oldest first."""
    rows = platform.sql(
        "inventory_db",
        "SELECT t.transaction_type, t.quantity FROM inventory_transactions t JOIN inventory i ON i.id = t.inventory_id"
        " WHERE i.product_id = %s ORDER BY t.created_at, t.id", sellable_id)
    return [(row["transaction_type"], row["quantity"]) for row in rows]


def payments(platform, order_id):
    return platform.sql("payment_db", "SELECT * FROM payments WHERE order_id = %s ORDER BY created_at", str(order_id))


def orders_of(platform, email):
    return platform.sql("order_db", "SELECT * FROM orders WHERE lower(email) = lower(%s)", email)


def pages(client, path, **filters):
    """Walks a list to its end and yields each page."""
    cursor = None
    for _ in range(1000):
        page = client.get(path, params={**filters, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text[:1000]
        page = page.json()
        yield page
        if not page["has_more"]:
            return
        cursor = page["next_cursor"]
    raise AssertionError(f"{path} never ends")


def every(client, path, **filters):
    """All objects of a list."""
    return [each for page in pages(client, path, limit=100, **filters) for each in page["data"]]
