"""The platform is killed around the commits that take a coupon's use and give it back: it is never taken twice, and never
kept by a checkout that was refused."""

import signal

import audit
import flows
import pytest
from books import OPENING_STOCK, check, wait_quiet
from support.platform import wait_for


@pytest.mark.parametrize("flow, uses, failpoint", [
    (flows.WithCoupon, 1, "order.before_intent_commit"),
    (flows.WithCoupon, 1, "order.after_intent_commit"),
    (flows.WithCoupon, 1, "order.before_pivot_commit"),
    (flows.WithCoupon, 1, "order.after_pivot_commit"),
    (flows.DeclinedWithCoupon, 0, "order.after_intent_commit"),
    (flows.DeclinedWithCoupon, 0, "order.before_refusal_commit"),
    (flows.DeclinedWithCoupon, 0, "order.after_refusal_commit"),
])
def test_a_kill_neither_loses_a_coupon_nor_takes_it_twice(shop, stocked, flow, uses, failpoint):
    (product_id,) = stocked(1, OPENING_STOCK)
    shop.restart({"SOUK_FAILPOINT": f"{failpoint}:kill@1"})
    purchase = flow(product_id)
    with pytest.raises(flows.Killed):
        purchase.drive(shop)
    wait_for(lambda: not shop.alive(), 10, "the end of the platform")
    assert shop.wait_exit() == -signal.SIGKILL
    flows.let_leases_pass(shop)
    shop.start({})
    purchase.drive(shop)
    wait_quiet(shop)
    check(shop, purchase)
    assert purchase.uses() == uses
    assert audit.violations(shop) == []
