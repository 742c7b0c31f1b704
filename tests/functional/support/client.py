"""A client of the public API: plain requests, and the shop's usual steps in one call each."""

import uuid

import requests

TIMEOUT_S = 30

ADDRESS = {
    "full_name": "Ada Lovelace",
    "phone": "+14155550100",
    "address_line1": "1 Market Street",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
}


def unique_email(name="customer"):
    return f"{name}-{uuid.uuid4().hex[:12]}@example.com"


class Client:
    """Requests to one platform. `token` is a customer's access token, if logged in."""

    def __init__(self, base_url, token=None):
        self.base_url = base_url
        self.token = token
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy stands between a test and loopback

    def request(self, method, path, **options):
        headers = dict(options.pop("headers", None) or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        options.setdefault("timeout", TIMEOUT_S)
        return self.session.request(method, self.base_url + path, headers=headers, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.request("POST", path, json=json, **options)

    def patch(self, path, json=None, **options):
        return self.request("PATCH", path, json=json, **options)

    def put(self, path, json=None, **options):
        return self.request("PUT", path, json=json, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    # --- the shop's steps; each asserts that it worked and returns the decoded reply -----------

    def products(self, **filters):
        return _ok(self.get("/v1/products", params=filters), 200)["data"]

    def product(self, product_id):
        return _ok(self.get(f"/v1/products/{product_id}"), 200)

    def new_cart(self):
        """A new guest cart's id."""
        return _ok(self.post("/v1/carts"), 201)["id"]

    def cart(self, cart_id):
        return _ok(self.get(f"/v1/carts/{cart_id}"), 200)

    def add_item(self, cart_id, product_id, quantity=1, variant_id=None):
        item = {"product_id": product_id, "quantity": quantity}
        if variant_id is not None:
            item["variant_id"] = variant_id
        return _ok(self.post(f"/v1/carts/{cart_id}/items", item), 200, 201)

    def cart_with(self, *items):
        """A new cart with items: product ids or (product id, quantity[, variant id])."""
        cart_id = self.new_cart()
        for item in items:
            product_id, *rest = (item,) if isinstance(item, str) else item
            self.add_item(cart_id, product_id, *rest)
        return cart_id

    def quote(self, cart_id, address=None, shipping_method="standard", **members):
        body = {"shipping_address": address or ADDRESS, "shipping_method": shipping_method, **members}
        return _ok(self.post(f"/v1/carts/{cart_id}/quote", body), 200)

    def checkout(self, cart_id, key=None, **changes):
        """Sends a checkout and returns the raw response; `changes` replace members of the body."""
        return self.post(f"/v1/carts/{cart_id}/checkout", checkout_body(**changes),
                         headers={"Idempotency-Key": key or str(uuid.uuid4())})

    def buy(self, *items, **changes):
        """Cart, items and checkout; returns the order."""
        return _ok(self.checkout(self.cart_with(*items), **changes), 201)

    def order(self, order_id, access_token=None):
        """The raw response; guests give the order's token."""
        headers = {"X-Order-Token": access_token} if access_token else {}
        return self.get(f"/v1/orders/{order_id}", headers=headers)

    def register(self, email=None, password="correct horse battery", **more):
        """Registers a new customer and logs in; returns the e-mail."""
        email = email or unique_email()
        body = {"email": email, "password": password, "first_name": "Ada", "last_name": "Lovelace", **more}
        _ok(self.post("/v1/auth/register", body), 200, 201, 202)
        self.login(email, password)
        return email

    def login(self, email, password="correct horse battery"):
        reply = _ok(self.post("/v1/auth/login", {"email": email, "password": password}), 200)
        self.token = reply["access_token"]
        return reply


def checkout_body(**changes):
    """A guest's valid checkout, paid by a card that the simulator accepts."""
    body = {
        "email": unique_email("guest"),
        "shipping_address": dict(ADDRESS),
        "shipping_method": "standard",
        "payment": {"method": "card", "token": "tok_success"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def _ok(response, *statuses):
    assert response.status_code in statuses, (
        f"{response.request.method} {response.request.path_url} answered {response.status_code}, "
        f"not {' or '.join(map(str, statuses))}: {response.text[:2000]}")
    return response.json() if response.content else None


ok = _ok
