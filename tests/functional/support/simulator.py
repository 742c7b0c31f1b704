"""The payment simulator: its tokens, its own ledger (the judge of what was charged), and the customer's approval."""

SUCCESS = "tok_success"
DECLINE = "tok_decline"
REQUIRES_ACTION = "tok_requires_action"
TIMEOUT_AFTER_CHARGE = "tok_timeout_after_charge"

# The simulator knows our payments by its own id and by the key that we gave it, which names the order.
_CHARGES = """
    SELECT id, key, substring(key FROM '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') AS order_id,
           amount / 100.0 AS amount, currency, refunded / 100.0 AS refunded
    FROM simulator.payments WHERE status IN ('succeeded', 'refunded')"""
_REFUNDS = """
    SELECT r.id, substring(p.key FROM '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') AS order_id,
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
    """The customer acts at the simulator's page."""
    raise NotImplementedError
