"""The platform is killed while it charges with Stripe, and started again: one order, one charge in Stripe's own books."""

import threading

import pytest
from flows import Killed, Purchase, let_leases_pass
from support import stripe as stripes
from support.platform import wait_for
from support.shop import Goods, cents, payments, stock

FAILPOINTS = ("payment.after_begin_commit", "payment.before_gateway", "payment.after_gateway_before_result",
              "payment.before_result_commit", "payment.after_result_commit")


@pytest.fixture(scope="module")
def stripe():
    with stripes.Stripe() as running:
        yield running


@pytest.fixture(scope="module")
def goods_and_shop(templates, stripe):
    from support.fixtures import _close, _start
    platform = _start(templates, True, settings(stripe))
    yield Goods(platform), platform
    _close(platform)


def settings(stripe, **more):
    return stripe.settings(SOUK_PAYMENT_GATEWAY_TIMEOUT="10s", **more)


def purchase(goods):
    product = goods.product(quantity=5)["product_id"]
    return product, Purchase(product, {"method": "card", "token": stripes.VISA})


def finish(shop, stripe, product, bought):
    """The customer repeats with the same key."""
    let_leases_pass(shop)
    shop.start(settings(stripe))
    bought.drive(shop)
    assert bought.outcome == "order"
    assert stripe.moved("charge", bought.checkout_id) == [cents(bought.order["total"])]
    assert [row["status"] for row in payments(shop, bought.checkout_id)] == ["succeeded"]
    wait_for(lambda: stock(shop, product) == (5 - bought.quantity, 0), 30, "the sale")


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_while_stripe_charges_leaves_one_order_and_one_charge(goods_and_shop, stripe, failpoint):
    goods, shop = goods_and_shop
    product, bought = purchase(goods)
    shop.restart(settings(stripe, SOUK_FAILPOINT=f"{failpoint}:kill@1"))
    with pytest.raises(Killed):
        bought.drive(shop)
    shop.wait_exit()
    finish(shop, stripe, product, bought)


@pytest.mark.parametrize("call", ["create", "confirm"])
@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
def test_a_kill_while_stripe_does_not_answer_leaves_one_charge(goods_and_shop, stripe, call, fault):
    goods, shop = goods_and_shop
    product, bought = purchase(goods)
    if not shop.alive():
        shop.start(settings(stripe))
    stripe.fault(call, fault)
    asked = len(calls(stripe, call))

    def buy():
        with pytest.raises(Killed):
            bought.drive(shop)

    customer = threading.Thread(target=buy)
    customer.start()
    wait_for(lambda: len(calls(stripe, call)) > asked, 20, "the call to Stripe")
    shop.kill()
    customer.join()
    finish(shop, stripe, product, bought)


def calls(stripe, call):
    end = "/payment_intents" if call == "create" else "/confirm"
    return [each for each in stripe.ask("books")["calls"] if each.startswith("POST") and each.endswith(end)]
