"""The payment simulator: its tokens, its own ledger (the judge of what was charged), and the customer's approval."""

import urllib.parse

SUCCESS = "tok_success"
DECLINE = "tok_declined"
AUTHORIZE = "tok_authorize"
REQUIRES_ACTION = "tok_requires_action"
TIMEOUT_AFTER_CHARGE = "tok_timeout_after_charge"

# What the gateway may do while it is charged: the outcome is unknown to us for a while, or it takes its time.
FAULTS = ("tok_timeout_after_charge", "tok_error_after_charge", "tok_slow")

# The key that we give the simulator is the order's id.
_CHARGES = """
    SELECT id, key AS order_id,
           amount / 100.0 AS amount, currency, refunded / 100.0 AS refunded
    FROM simulator.payments WHERE status = 'succeeded'"""
_REFUNDS = """
    SELECT r.id, p.key AS order_id,
           r.amount / 100.0 AS amount
    FROM simulator.refunds r JOIN simulator.payments p ON p.id = r.payment_id WHERE r.status = 'succeeded'"""


def _of(platform, query, order_id):
    rows = platform.sql("payment_db", query)
    return [row for row in rows if order_id is None or row["order_id"] == str(order_id)]


def charges(platform, order_id=None):
    """What the simulator charged: rows with order_id and amount; of one order, or all."""
    return _of(platform, _CHARGES, order_id)


def refunds(platform, order_id=None):
    """What the simulator gave back."""
    return _of(platform, _REFUNDS, order_id)


def approve(http, checkout, approved=True):
    """The customer approves or rejects the payment at the simulator's page."""
    path = urllib.parse.urlparse(checkout["next_action"]["url"]).path
    decision = "approve" if approved else "reject"
    reply = http.post(path, params={"decision": decision}, allow_redirects=False)
    assert reply.status_code in (200, 303), reply.text
