"""Browsing: products by filter, order and page, one product, categories, search and suggestions."""

import pytest
from support.client import ok
from support.platform import wait_for
from support.shop import cents, every, pages, refused, unique


def price_of(product):
    price = product["price"]
    return price["sale"] if price.get("sale") is not None else price["regular"]


def ids(products):
    return [product["product_id"] for product in products]


@pytest.fixture
def products(http):
    found = every(http, "/v1/products")
    assert len(found) >= 100, "the demo catalogue has about 200 products"
    return found


def check_filter(http, products, query, holds):
    """Exactly those products of all are in the filtered list for which the rule holds."""
    expected = sorted(ids(product for product in products if holds(product)))
    assert sorted(ids(every(http, "/v1/products", **query))) == expected, query
    return expected


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["category", "subcategory"])
@pytest.mark.parametrize("key", ["id", "slug"])
def test_products_are_filtered_by_category_and_subcategory(http, products, member, key):
    wanted = next(product[member][key] for product in products if product.get(member))
    assert check_filter(http, products, {member: wanted}, lambda p: (p.get(member) or {}).get(key) == wanted)


def test_products_are_filtered_by_brand(http, products):
    brand = next(product["brand"]["name"] for product in products if product.get("brand"))
    assert check_filter(http, products, {"brand": brand}, lambda p: (p.get("brand") or {}).get("name") == brand)


def test_products_are_filtered_by_tag(http, products):
    tag = next(product["tags"][0] for product in products if product.get("tags"))
    assert check_filter(http, products, {"tag": tag}, lambda p: tag in p.get("tags", []))


def test_products_are_filtered_by_price_of_now(http, products):
    prices = sorted(price_of(product) for product in products)
    low, high = prices[len(prices) // 4], prices[len(prices) * 3 // 4]
    assert check_filter(http, products, {"min_price": low}, lambda p: price_of(p) >= low)
    assert check_filter(http, products, {"max_price": high}, lambda p: price_of(p) <= high)
    assert check_filter(http, products, {"min_price": low, "max_price": high}, lambda p: low <= price_of(p) <= high)


def test_products_are_filtered_by_rating(http, products):
    check_filter(http, products, {"min_rating": 4}, lambda p: p["rating"]["average"] >= 4)


def test_featured_products_and_offers_have_lists_of_their_own(http, products):
    assert check_filter(http, products, {"featured": "true"}, lambda p: p["is_featured"])
    assert check_filter(http, products, {"on_sale": "true"}, lambda p: p["is_on_sale"])


def test_filters_are_combined(http, products):
    wanted = next(product for product in products if product.get("category") and product.get("brand"))
    category, brand = wanted["category"]["id"], wanted["brand"]["name"]
    assert check_filter(http, products, {"category": category, "brand": brand, "max_price": price_of(wanted)},
                        lambda p: (p.get("category") or {}).get("id") == category
                        and (p.get("brand") or {}).get("name") == brand and price_of(p) <= price_of(wanted))


def test_a_filter_that_nothing_fits_gives_an_empty_list(http):
    page = ok(http.get("/v1/products", params={"brand": unique("nobody")}), 200)
    assert page["data"] == [] and page["has_more"] is False


@pytest.mark.parametrize("sort, key, descending", [
    ("newest", lambda p: p["created_at"], True),
    ("price_asc", price_of, False),
    ("price_desc", price_of, True),
    ("rating", lambda p: p["rating"]["average"], True),
    ("name", lambda p: p["name"].lower(), False),
])
def test_each_order_sorts_and_its_pages_visit_every_product_once(http, products, sort, key, descending):
    visited = [p for page in pages(http, "/v1/products", sort=sort, limit=17) for p in page["data"]]
    assert sorted(ids(visited)) == sorted(ids(products))
    keys = [key(product) for product in visited]
    assert keys == sorted(keys, reverse=descending)


def test_pages_have_the_size_that_was_asked_for(http, products):
    sizes = [len(page["data"]) for page in pages(http, "/v1/products", limit=50)]
    assert sum(sizes) == len(products)
    assert all(size == 50 for size in sizes[:-1]) and 1 <= sizes[-1] <= 50
    assert len(ok(http.get("/v1/products"), 200)["data"]) == 20


def test_a_product_added_between_two_pages_moves_nothing(http, goods):
    first = ok(http.get("/v1/products", params={"sort": "name", "limit": 10}), 200)
    goods.product(name="0000 comes first")
    cursor = first["next_cursor"]
    second = ok(http.get("/v1/products", params={"sort": "name", "limit": 10, "cursor": cursor}), 200)
    assert not set(ids(first["data"])) & set(ids(second["data"]))


def test_the_total_is_there_where_it_is_asked_for(http):
    def total():
        return ok(http.get("/v1/products", params={"include": "total"}), 200)["total"]

    # What another process added is seen within 100 ms, by the one list before the other.
    wait_for(lambda: total() == len(every(http, "/v1/products")), what="a total that equals the list's length")
    assert ok(http.get("/v1/products"), 200).get("total") is None


@pytest.mark.parametrize("query, field", [
    ({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"limit": "ten"}, "limit"), ({"min_price": "cheap"}, "min_price"),
    ({"min_price": "1.234"}, "min_price"), ({"sort": "luck"}, "sort"), ({"colour": "red"}, "colour"),
    ({"featured": "perhaps"}, "featured"),
])
def test_a_bad_query_names_the_parameter(http, query, field):
    refused(http.get("/v1/products", params=query), 400, "request.invalid", field)


def test_a_made_up_cursor_is_refused(http):
    response = http.get("/v1/products", params={"cursor": "bm90IGEgY3Vyc29y"})
    assert response.status_code in (400, 422), response.text
    assert response.headers["Content-Type"] == "application/problem+json"


# --- one product -----------------------------------------------------------------------------------


def test_a_product_is_found_by_its_id_and_by_its_slug(http, products):
    product = products[0]
    by_id = http.product(product["product_id"])
    assert by_id == http.product(product["slug"]) == product


def test_an_imported_product_is_served_as_it_was_written(http, goods):
    written = goods.product(price=19.99, tags=["round", "grün"], specifications={"weight": "120.0 g"})
    served = http.product(written["product_id"])
    for member in ("product_id", "sku", "name", "slug", "description", "category", "brand", "tags", "specifications"):
        assert served[member] == written[member]
    assert cents(served["price"]["regular"]) == 1999


def test_an_entity_tag_spares_a_second_transfer(http, products):
    path = f"/v1/products/{products[0]['product_id']}"
    first = http.get(path)
    etag = first.headers["ETag"]
    again = http.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == etag
    assert http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_changed_product_has_another_entity_tag(http, goods):
    document = goods.product(price=10.0)
    path = f"/v1/products/{document['product_id']}"
    etag = http.get(path).headers["ETag"]
    goods.put({**document, "price": {"regular": 11.0, "currency": "USD"}})
    wait_for(lambda: http.get(path, headers={"If-None-Match": etag}).status_code == 200, what="the new price")
    assert cents(http.get(path).json()["price"]["regular"]) == 1100


def test_a_product_that_is_not_there_is_not_found(http):
    refused(http.get(f"/v1/products/{unique('nothing')}"), 404, "catalog.product_not_found")


def test_an_inactive_product_is_neither_found_nor_listed_nor_searched(http, goods):
    document = goods.product(status="inactive", name=unique("Hiddenlamp"))
    refused(http.get(f"/v1/products/{document['product_id']}"), 404, "catalog.product_not_found")
    assert document["product_id"] not in ids(every(http, "/v1/products"))
    assert ok(http.get("/v1/search", params={"q": document["name"]}), 200)["data"] == []


# --- categories ------------------------------------------------------------------------------------


def test_categories_are_listed_in_their_order_and_found_by_id_and_slug(http):
    categories = ok(http.get("/v1/categories"), 200)["data"]
    assert len(categories) >= 3
    order = [category["display_order"] for category in categories]
    assert order == sorted(order)
    category = categories[0]
    assert ok(http.get(f"/v1/categories/{category['category_id']}"), 200)["slug"] == category["slug"]
    assert ok(http.get(f"/v1/categories/{category['slug']}"), 200)["category_id"] == category["category_id"]


def test_the_children_of_a_category_name_it_as_their_parent(http):
    categories = ok(http.get("/v1/categories"), 200)["data"]
    parent = next(c["parent_id"] for c in categories if c.get("parent_id"))
    children = ok(http.get("/v1/categories", params={"parent_id": parent}), 200)["data"]
    assert children and all(child["parent_id"] == parent for child in children)


def test_a_category_that_is_not_there_is_not_found(http):
    refused(http.get("/v1/categories/nothing-of-the-kind"), 404, "catalog.category_not_found")


# --- search ----------------------------------------------------------------------------------------


def search(http, **query):
    return ok(http.get("/v1/search", params=query), 200)


def test_search_finds_a_product_by_the_words_of_its_name(http, products):
    product = products[len(products) // 2]
    found = search(http, q=product["name"], limit=10)
    assert product["product_id"] in ids(found["data"])
    assert found["data"][ids(found["data"]).index(product["product_id"])]["name"] == product["name"]


def test_a_new_product_can_be_searched_within_seconds(http, goods):
    word = unique("zyxlamp").replace("-", "")
    document = goods.product(name=f"{word} for the desk")
    wait_for(lambda: ids(search(http, q=word)["data"]) == [document["product_id"]], 5, "the search index")


def test_search_filters_like_the_list(http, products):
    brand = next(product["brand"]["name"] for product in products if product.get("brand"))
    expected = sorted(p["product_id"] for p in products if (p.get("brand") or {}).get("name") == brand)
    found = [p for page in pages(http, "/v1/search", brand=brand, limit=7) for p in page["data"]]
    assert sorted(ids(found)) == expected


def test_search_counts_its_facets(http, products):
    found = search(http, facets="brand,category,price,rating")
    assert set(found["facets"]) == {"brand", "category", "price", "rating"}
    assert found["total"] == len(products)
    for facet in ("brand", "category"):
        best = found["facets"][facet][0]
        assert best["count"] >= 1 and best["label"]
        narrowed = search(http, **{facet: best["value"]})
        assert narrowed["total"] == best["count"], facet


def test_a_facet_that_does_not_exist_is_refused(http):
    response = http.get("/v1/search", params={"facets": "brand,luck"})
    assert response.status_code in (400, 422), response.text


def test_search_sorts_by_price(http):
    prices = [price_of(p) for page in pages(http, "/v1/search", sort="price_asc", limit=50) for p in page["data"]]
    assert prices == sorted(prices)


def test_search_for_nonsense_finds_nothing(http):
    found = search(http, q="qqqqxxxxzzzzjjjj")
    assert found["data"] == [] and found["total"] == 0 and not found["has_more"]


def test_suggestions_begin_with_what_was_typed(http, products):
    typed = products[0]["name"].split()[0][:3].lower()
    suggestions = ok(http.get("/v1/search/suggest", params={"q": typed, "limit": 5}), 200)["data"]
    assert 1 <= len(suggestions) <= 5
    assert all(any(word.startswith(typed) for word in text.lower().split()) for text in suggestions), suggestions
