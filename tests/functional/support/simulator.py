"""The payment simulator: its tokens, its own ledger (the judge of what was charged), and the customer's approval."""

SUCCESS = "tok_success"
DECLINE = "tok_decline"
REQUIRES_ACTION = "tok_requires_action"
TIMEOUT_AFTER_CHARGE = "tok_timeout_after_charge"


def charges(platform, order_id=None):
    """What the simulator charged: rows with order_id and amount; of one order, or all."""
    raise NotImplementedError


def refunds(platform, order_id=None):
    """What the simulator gave back."""
    raise NotImplementedError


def approve(http, checkout, approved=True):
    """The customer acts at the simulator's page."""
    raise NotImplementedError
