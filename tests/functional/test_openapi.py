"""The OpenAPI document is the contract: every route is in it, and what the server sends is what it says."""

import json
import re
import uuid

import pytest
from support import scratch
from support.client import ADDRESS, checkout_body, ok
from support.schema import problems

ADDED = re.compile(r'Method::(\w+),\s*"(/v1/[^"]*)",\s*\{')
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="session")
def document(platform):
    return ok(platform.client().get("/openapi.json"), 200)


def operations(document):
    return {(method.upper(), path): operation for path, members in document["paths"].items()
            for method, operation in members.items() if method in METHODS}


def routes_in_the_source():
    sources = [*scratch.ROOT.glob("services/*/*.cpp"), *scratch.ROOT.glob("gateway/*.cpp")]
    return {found for source in sources if not source.name.endswith("_test.cpp")
            for found in ADDED.findall(source.read_text())}


def concrete(path):
    return re.sub(r"\{[^}]*\}", lambda _: str(uuid.uuid4()), path)


def check(response, document, method, path):
    """The reply's status is documented and its body fits the schema of that status."""
    responses = operations(document)[method, path]["responses"]
    status = str(response.status_code)
    assert status in responses or "4XX" in responses, f"{method} {path}: {status} is not documented: {response.text}"
    media = response.headers.get("Content-Type", "").split(";")[0]
    described = responses.get(status) or responses["4XX"]
    if "content" not in described:
        assert response.content == b"", f"{method} {path} {status}: the document knows no body"
        return
    if response.status_code >= 400 and status in responses and "4XX" in responses:
        schemas = [each["content"][media]["schema"] for each in (described, responses["4XX"])]
        found = min((list(problems(response.json(), schema, document)) for schema in schemas), key=len)
    else:
        found = list(problems(response.json(), described["content"][media]["schema"], document))
    assert found == [], f"{method} {path} {status}: {found}\n{response.text[:2000]}"


def test_the_document_is_openapi_3_1_and_has_an_operation_id_each(document):
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names)) and all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)
    assert all(operation.get("summary") for operation in operations(document).values())


def test_every_route_of_the_source_is_in_the_document(document):
    found = routes_in_the_source()
    assert len(found) >= 25
    missing = found - {route for route in operations(document) if not route[1].startswith("/internal")}
    assert missing == set()


def test_every_route_of_the_document_is_served(http, document):
    for method, path in operations(document):
        response = http.request(method, concrete(path))
        code = response.json().get("code") if "json" in response.headers.get("Content-Type", "") else None
        assert code not in ("route.not_found", "route.method_not_allowed"), f"{method} {path}: {response.text}"
        assert response.status_code < 500, f"{method} {path}: {response.text}"


def test_every_reference_of_the_document_leads_somewhere(document):
    text = str(document)
    for name in set(re.findall(r"#/components/schemas/([\w.]+)", text)):
        assert name in document["components"]["schemas"]


def test_every_error_names_its_problem_document(document):
    for route, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status[0] in "45" and "content" in response:
                assert list(response["content"]) == ["application/problem+json"], (route, status)


def test_refusals_are_what_the_document_says(http, document):
    for method, path in operations(document):
        response = http.request(method, concrete(path), data=b"{", headers={"Content-Type": "application/json"})
        if response.status_code >= 400:
            check(response, document, method, path)


def test_replies_of_browsing_are_what_the_document_says(http, document):
    product = http.products(limit=1)[0]
    category = ok(http.get("/v1/categories"), 200)["data"][0]
    for path, target in (
            ("/v1/products", "/v1/products?limit=5"),
            ("/v1/products/{id}", f"/v1/products/{product['product_id']}"),
            ("/v1/categories", "/v1/categories"),
            ("/v1/categories/{id}", f"/v1/categories/{category['category_id']}"),
            ("/v1/search", "/v1/search?facets=brand,category,price,rating"),
            ("/v1/search/suggest", "/v1/search/suggest?q=a"),
    ):
        known = next(route for method, route in operations(document)
                     if method == "GET" and re.sub(r"\{[^}]*\}", "{}", route) == re.sub(r"\{[^}]*\}", "{}", path))
        response = http.get(target)
        assert response.status_code == 200, response.text
        check(response, document, "GET", known)


def test_replies_of_a_purchase_are_what_the_document_says(http, goods, document):
    def send(method, path, target=None, **options):
        response = http.request(method, target or path, **options)
        check(response, document, method, path)
        return ok(response, 200, 201, 202, 204)

    product_id = goods.product()["product_id"]
    cart_id = send("POST", "/v1/carts")["id"]
    cart = f"/v1/carts/{cart_id}"
    item = send("POST", "/v1/carts/{id}/items", f"{cart}/items",
                json={"product_id": product_id, "quantity": 2})["items"][0]
    send("GET", "/v1/carts/{id}", cart)
    send("PATCH", "/v1/carts/{id}/items/{item_id}", f"{cart}/items/{item['item_id']}", json={"quantity": 1})
    send("POST", "/v1/carts/{id}/quote", f"{cart}/quote",
         json={"shipping_address": ADDRESS, "shipping_method": "standard"})
    order = send("POST", "/v1/carts/{id}/checkout", f"{cart}/checkout", json=checkout_body(),
                 headers={"Idempotency-Key": str(uuid.uuid4())})
    owner = {"X-Order-Token": order['access_token']}
    send("GET", "/v1/orders/{id}", f"/v1/orders/{order['id']}", headers=owner)
    send("POST", "/v1/orders/{id}/cancel", f"/v1/orders/{order['id']}/cancel",
         headers={**owner, "Idempotency-Key": str(uuid.uuid4())})


def test_replies_of_an_account_are_what_the_document_says(http, document):
    email = http.register()
    for method, path, target, body in (
            ("GET", "/v1/me", "/v1/me", None),
            ("PATCH", "/v1/me", "/v1/me", {"first_name": "Grace"}),
            ("POST", "/v1/me/addresses", "/v1/me/addresses", ADDRESS),
            ("GET", "/v1/me/addresses", "/v1/me/addresses", None),
            ("GET", "/v1/me/sessions", "/v1/me/sessions", None),
            ("GET", "/v1/me/orders", "/v1/me/orders", None),
            ("POST", "/v1/auth/login", "/v1/auth/login", {"email": email, "password": "correct horse battery"}),
    ):
        response = http.request(method, target, json=body)
        assert response.status_code < 300, response.text
        check(response, document, method, path)


def test_the_document_is_shown_to_people(http):
    page = http.get("/docs")
    assert page.status_code == 200 and "text/html" in page.headers["Content-Type"]


def test_the_binary_prints_the_same_document(platform, document):
    done = platform.run("openapi")
    assert done.returncode == 0, done.stderr
    served_by_the_gateway = {"/openapi.json", "/docs"}
    assert set(json.loads(done.stdout)["paths"]) == set(document["paths"]) - served_by_the_gateway
