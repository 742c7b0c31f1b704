"""Stripe as the tests have it: the program of tests/gateways/stripe.py, its books, and a platform that pays with it."""

import subprocess
import sys
import urllib.parse

import requests

from . import scratch

VISA = "pm_card_visa"
DECLINE = "pm_card_chargeDeclined"
AUTHENTICATE = "pm_card_authenticationRequired"
HANG_AFTER, ERROR_AFTER, DROP_AFTER = "pm_fault_hang_after", "pm_fault_error_after", "pm_fault_drop_after"

WEBHOOK_SECRET = "whsec_of_the_tests"


class Stripe:
    """Runs until closed. `books` is a file that outlives it."""

    def __init__(self, books=None):
        program = scratch.ROOT / "tests/gateways/stripe.py"
        self.process = subprocess.Popen([sys.executable, program, *(["--books", books] if books else [])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def settings(self, **more):
        """What the platform needs to take payments here."""
        return {"SOUK_PAYMENT_GATEWAY": "stripe", "SOUK_STRIPE_URL": self.url, "SOUK_STRIPE_KEY": "sk_test_souk",
                "SOUK_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
                "SOUK_PAYMENT_GATEWAY_TIMEOUT": "700ms", "SOUK_PUBLIC_URL": "https://shop.example", **more}

    def ask(self, what, **body):
        reply = self.session.post(f"{self.url}/_test/{what}", json=body, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def fault(self, call, fault, times=1):
        """What the next calls of this kind meet: create, confirm, capture, cancel, refund or read."""
        self.ask("faults", call=call, fault=fault, times=times)

    def tell(self, platform, mode="on"):
        """Where webhooks go from now on: on, off (kept), twice, or before (before the call that they tell of returns)."""
        self.ask("webhooks", url=f"{platform.url}/v1/webhooks/stripe", secret=WEBHOOK_SECRET, mode=mode)

    def events(self, payment_id, kind=None):
        """The events about a payment, oldest first."""
        return [each for each in self.ask("events") if kind in (None, each["type"])
                and payment_id in (each["data"]["object"]["id"], each["data"]["object"].get("payment_intent"))]

    def deliver(self, *events):
        """Sends events in this order; the statuses of the answers."""
        return self.ask("deliver", events=list(events))

    def moved(self, kind, order_id):
        """Amounts in cents that were moved for an order: `charge` or `refund`."""
        return [each["amount"] for each in self.ask("books")["movements"]
                if each["kind"] == kind and each["order_id"] == str(order_id)]

    def decide(self, url, approved=True):
        """The customer at the bank's page; where it leads back to."""
        reply = self.session.post(url, params={"decision": "approve" if approved else "reject"}, allow_redirects=False,
                                  timeout=30)
        assert reply.status_code == 303, reply.text
        return urllib.parse.urlparse(reply.headers["Location"])
