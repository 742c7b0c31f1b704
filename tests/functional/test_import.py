"""`souk import products FILE`: JSON Lines, plain or .gz, bad lines by number, twice is once, real catalogues."""

import gzip
import json
import os
import pathlib

import pytest
from support import fixtures, scratch
from support.client import ok
from support.platform import wait_for
from support.shop import Goods, every, refused, stock, unique

DATA = pathlib.Path(os.environ.get("SOUK_SHARED") or scratch.ROOT.parent / "shared") / "data"


def run_import(platform, name, data, *words, kind="products"):
    file = platform.home / name
    file.write_bytes(data)
    file.chmod(0o644)
    return platform.run("import", kind, str(file), *words)


def lines(*documents):
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def test_a_file_is_imported_once_however_often_it_is_read(platform, goods):
    documents = [goods.document(unique("i"), quantity=5 + n) for n in range(30)]
    first = run_import(platform, "twice.jsonl", lines(*documents))
    assert first.returncode == 0 and first.stdout.startswith("30 products loaded, 0 unchanged"), first.stdout
    again = run_import(platform, "twice.jsonl", lines(*documents))
    assert again.returncode == 0 and again.stdout.startswith("0 products loaded, 30 unchanged"), again.stdout
    assert [stock(platform, document["product_id"]) for document in documents] == [(5 + n, 0) for n in range(30)]


def test_a_compressed_file_is_imported_like_a_plain_one(platform, http, goods):
    document = goods.document(unique("i"))
    done = run_import(platform, "packed.jsonl.gz", gzip.compress(lines(document)))
    assert done.returncode == 0, done.stderr
    assert http.product(document["product_id"])["name"] == document["name"]


def test_a_bad_line_is_reported_with_number_and_reason_and_the_rest_is_loaded(platform, http, goods):
    good = [goods.document(unique("i")) for _ in range(3)]
    clash = goods.document(unique("i"), sku=good[0]["sku"])
    priceless = {name: value for name, value in goods.document(unique("i")).items() if name != "price"}
    data = b"".join([lines(good[0]), b"{not json}\n", lines(good[1]), lines(priceless), lines(clash), b"\n",
                     b'{"product_id": "\xff"}\n', lines(good[2])])
    done = run_import(platform, "bad.jsonl", data)
    assert done.returncode == 1
    reported = {int(line.split("bad.jsonl:")[1].split(":")[0]): line for line in done.stderr.splitlines()
                if "bad.jsonl:" in line}
    assert sorted(reported) == [2, 4, 5, 7], done.stderr
    assert "price" in reported[4] and "sku" in reported[5].lower()
    for document in good:
        assert http.product(document["product_id"])["slug"] == document["slug"]
    refused(http.get(f"/v1/products/{clash['product_id']}"), 404, "catalog.product_not_found")


def test_stock_is_what_the_line_says_or_else_the_option_or_else_a_hundred(platform, goods):
    given, optional, default = (goods.document(unique("i")) for _ in range(3))
    for document in (optional, default):
        del document["quantity"]
    assert run_import(platform, "a.jsonl", lines(given, optional), "--stock", "7").returncode == 0
    assert run_import(platform, "b.jsonl", lines(default)).returncode == 0
    assert [stock(platform, each["product_id"]) for each in (given, optional, default)] == [(20, 0), (7, 0), (100, 0)]


@pytest.mark.parametrize("words", [("products",), ("products", "x.jsonl", "--stock"), ("people", "x.jsonl"),
                                   ("products", "x.jsonl", "--stock", "-1")])
def test_wrong_usage_is_explained(platform, words):
    done = platform.run("import", *words)
    assert done.returncode == 2 and "usage" in done.stderr


def test_a_file_that_is_not_there_is_one_clear_sentence(platform):
    done = platform.run("import", "products", "/nowhere/at-all.jsonl")
    assert done.returncode == 1 and "/nowhere/at-all.jsonl" in done.stderr and len(done.stderr.splitlines()) == 1


# --- real catalogues -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(templates):
    """A platform with the two real catalogues and the reviews, where their files are present."""
    if not DATA.exists():
        pytest.skip("the folder data of SOUK_SHARED is not here")
    platform = fixtures._start(templates, demo=False, env=None)
    done = {}
    for kind, name in (("products", "electronics"), ("products", "apparel"), ("reviews", "apparel-reviews")):
        done[name] = platform.run("import", kind, str(DATA / f"{name}.jsonl.gz"))
    yield platform, done
    fixtures._close(platform)


def test_the_real_catalogues_load_completely(real):
    _, done = real
    for name, count in (("electronics", 19406), ("apparel", 179), ("apparel-reviews", 348)):
        assert done[name].returncode == 0, f"{name}: {done[name].stdout}{done[name].stderr[:2000]}"
        assert done[name].stdout.startswith(f"{count} "), done[name].stdout


@pytest.mark.long  # a measurement: it needs the machine for itself
def test_a_real_catalogue_loads_at_two_thousand_products_a_second(real):
    _, done = real
    speed = float(done["electronics"].stdout.split("(")[1].split()[0])
    assert speed >= 2000, done["electronics"].stdout


def test_the_real_catalogues_are_browsed_searched_and_bought(real):
    platform, _ = real
    client = platform.client()
    assert ok(client.get("/v1/products", params={"include": "total"}), 200)["total"] > 19000
    assert len(ok(client.get("/v1/categories"), 200)["data"]) >= 10

    hoodie = client.product("chaz-kangeroo-hoodie")
    variant = hoodie["variants"][0]
    assert stock(platform, variant["variant_id"]) == (100, 0)
    wait_for(lambda: hoodie["product_id"] in [
        p["product_id"] for p in ok(client.get("/v1/search", params={"q": "kangeroo hoodie"}), 200)["data"]],
        60, "the search index")
    order = client.buy((hoodie["product_id"], 2, variant["variant_id"]))
    assert order["status"] == "confirmed" and order["items"][0]["size"] == variant["size"]
    wait_for(lambda: stock(platform, variant["variant_id"]) == (98, 0), what="the sale")
    with gzip.open(DATA / "apparel-reviews.jsonl.gz", "rt") as reviews:
        reviewed = json.loads(next(reviews))["product_id"]
    wait_for(lambda: client.product(reviewed)["rating"]["count"] > 0, 20, "the rating")


def test_every_page_of_a_large_catalogue_is_reached_once(real):
    platform, _ = real
    client = platform.client()
    seen = [product["product_id"] for product in every(client, "/v1/products", sort="price_asc")]
    total = ok(client.get("/v1/products", params={"include": "total"}), 200)["total"]
    assert len(seen) == len(set(seen)) == total


def test_goods_can_be_put_beside_a_real_catalogue(real):
    platform, _ = real
    document = Goods(platform).product()
    assert platform.client().product(document["product_id"])["sku"] == document["sku"]
