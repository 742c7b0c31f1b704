"""Stripe's HTTP dialect, as far as a shop uses it: PaymentIntents and refunds with books of their own.

Written after Stripe's documentation, not after our adapter: parameters that Stripe does not know are refused, as are a
missing key, an amount below the least, and a second body under one Idempotency-Key.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.parse

import server
from server import Refused

# Stripe's own test payment methods, and faults that the first confirmation of a payment meets.
CARDS = {
    "pm_card_visa": None,
    "pm_card_refundFail": None,
    "pm_card_pendingRefund": None,
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
    "pm_card_authenticationRequired": "challenge",
}
FAULTY = {f"pm_fault_{fault}": fault for fault in server.FAULTS}

ALLOWED = {
    "create": {"amount", "currency", "capture_method", "payment_method_types[]", "metadata[order_id]", "confirm",
               "payment_method", "return_url", "description"},
    "confirm": {"payment_method", "return_url", "error_on_requires_action"},
    "capture": {"amount_to_capture"},
    "cancel": {"cancellation_reason"},
    "refund": {"payment_intent", "amount", "reason", "metadata[refund_key]"},
}
LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "kwd": 100}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


def new_id(prefix):
    return f"{prefix}_{secrets.token_hex(12)}"


def error(status, kind, message, **more):
    return Refused(status, {"error": {"type": kind, "message": message, **more}})


def invalid(message, status=400, **more):
    return error(status, "invalid_request_error", message, **more)


class Stripe(server.Dialect):
    def __init__(self, books, port):
        super().__init__(books)
        self.base = f"http://127.0.0.1:{port}"
        self.busy = set()

    def sign(self, body, secret):
        at = int(time.time())
        mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={at},v1={mac},v0=00"}

    # --- a request's way -----------------------------------------------------------------------

    def respond(self, method, url, body, headers):
        page = re.fullmatch(r"/customer/(\w+)", url.path)
        if page:
            return (*self.customer(page[1], dict(urllib.parse.parse_qsl(url.query))), None)
        if not re.fullmatch(r"Bearer (sk|rk)_test_\w+", headers.get("Authorization", "")):
            raise error(401, "invalid_request_error", "Invalid API Key provided")
        if method == "GET":
            return (*self.read(url.path, dict(urllib.parse.parse_qsl(url.query))), None)
        fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
        if body and headers.get("Content-Type") != "application/x-www-form-urlencoded":
            raise invalid("the body is no form")
        return self.once(headers.get("Idempotency-Key"), url.path, fields)

    def once(self, key, path, fields):
        """The saved reply of the key, or what the call does now."""
        request = json.dumps([path, sorted(fields.items())])
        if not key:
            return self.write(path, fields, None)
        with self._lock:
            if key in self.busy:
                raise error(409, "idempotency_error", "another request with this key is under way",
                            code="idempotency_key_in_use")
            self.busy.add(key)
        try:
            known = self.books.rows("SELECT * FROM replies WHERE key = ?", key)
            if known and known[0]["request"] != request:
                raise error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same "
                                                      "parameters they were first used with.")
            if known:
                return known[0]["status"], json.loads(known[0]["body"]), None
            return self.write(path, fields, (key, request))
        finally:
            self.busy.discard(key)

    def write(self, path, fields, saved_as):
        name, call = self.call_of(path)
        unknown = set(fields) - ALLOWED[call]
        if unknown:
            raise invalid(f"Received unknown parameter: {min(unknown)}", code="parameter_unknown", param=min(unknown))
        fault = self.fault_of(call) or self.fault_of_card(call, name, fields)
        if fault == "hang_before":
            return 0, {}, fault
        with self.books.transaction():
            if fault == "error_before":
                status, document = 500, {"error": {"type": "api_error", "message": "try again"}}
            else:
                status, document = self.carry_out(call, name, fields)
            if fault == "error_after":
                status, document = 500, {"error": {"type": "api_error", "message": "something went wrong"}}
            if saved_as:
                self.books.change("INSERT INTO replies VALUES (?, ?, ?, ?)", *saved_as, status, json.dumps(document))
        return status, document, fault

    def fault_of_card(self, call, name, fields):
        fault = FAULTY.get(fields.get("payment_method"))
        return fault if fault and call == "confirm" and self.books.first_time(f"{name} {fault}") else None

    @staticmethod
    def call_of(path):
        if path == "/v1/payment_intents":
            return None, "create"
        if path == "/v1/refunds":
            return None, "refund"
        found = re.fullmatch(r"/v1/payment_intents/(\w+)/(confirm|capture|cancel)", path)
        if not found:
            raise invalid(f"Unrecognized request URL (POST: {path})", 404)
        return found[1], found[2]

    def carry_out(self, call, name, fields):
        if call == "create":
            return 200, self.create(fields)
        if call == "refund":
            return 200, self.refund(fields)
        intent = self.intent(name)
        try:
            getattr(self, call)(intent, fields)
            return 200, intent
        except Refused as refused:
            if refused.status != 402:
                raise
            return 402, refused.body  # a decline changes the intent, and is saved with its key

    # --- PaymentIntents --------------------------------------------------------------------------

    def intent(self, name):
        found = self.books.get("payment_intent", name)
        if not found:
            raise invalid(f"No such payment_intent: '{name}'", 404, code="resource_missing", param="intent")
        return found

    def create(self, fields):
        amount, currency = int(fields["amount"]), fields["currency"]
        if currency != currency.lower() or len(currency) != 3:
            raise invalid(f"Invalid currency: {currency}", param="currency")
        if amount < LEAST.get(currency, 1):
            raise invalid("Amount must be at least 50 cents", code="amount_too_small", param="amount")
        intent = {
            "id": new_id("pi"), "object": "payment_intent", "amount": amount, "amount_capturable": 0,
            "amount_received": 0, "canceled_at": None, "capture_method": fields.get("capture_method", "automatic"),
            "client_secret": new_id("pi_secret"), "created": int(time.time()), "currency": currency,
            "last_payment_error": None, "latest_charge": None, "livemode": False, "next_action": None,
            "metadata": {"order_id": fields["metadata[order_id]"]} if "metadata[order_id]" in fields else {},
            "payment_method": None, "payment_method_types": ["card"], "status": "requires_payment_method",
        }
        self.save(intent, "payment_intent.created")
        return intent

    def confirm(self, intent, fields):
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise self.unexpected(intent, "confirm")
        card = fields.get("payment_method")
        outcome = None if card in FAULTY else CARDS.get(card, "unknown")
        if outcome == "unknown":
            raise invalid(f"No such PaymentMethod: '{card}'", code="resource_missing", param="payment_method")
        intent["payment_method"] = card
        intent["last_payment_error"] = None
        if outcome == "challenge":
            return self.challenge(intent, fields)
        if outcome:
            raise self.decline(intent, *outcome)
        return self.take(intent)

    def challenge(self, intent, fields):
        if fields.get("error_on_requires_action") == "true":
            raise self.decline(intent, "authentication_required", "authentication_required")
        if not fields.get("return_url"):
            raise invalid("you must provide a `return_url`", param="return_url")
        intent["status"] = "requires_action"
        url = f"{self.base}/customer/{intent['id']}"
        intent["next_action"] = {"type": "redirect_to_url",
                                 "redirect_to_url": {"url": url, "return_url": fields["return_url"]}}
        self.save(intent, "payment_intent.requires_action")

    def decline(self, intent, code, decline_code):
        intent.update(status="requires_payment_method", next_action=None, payment_method=None, last_payment_error={
            "type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card was declined."})
        self.save(intent, "payment_intent.payment_failed")
        return Refused(402, {"error": {**intent["last_payment_error"], "payment_intent": intent}})

    def take(self, intent):
        """Moves the money, or holds it."""
        intent["next_action"] = None
        intent["latest_charge"] = new_id("ch")
        if intent["capture_method"] == "manual":
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self.save(intent, "payment_intent.amount_capturable_updated")
        else:
            self.charge(intent)

    def charge(self, intent):
        intent.update(status="succeeded", amount_received=intent["amount"], amount_capturable=0)
        self.books.move(intent["id"], intent["metadata"].get("order_id"), "charge", intent["amount"], intent["currency"])
        self.save(intent, "payment_intent.succeeded")

    def capture(self, intent, fields):
        if intent["status"] != "requires_capture":
            raise self.unexpected(intent, "capture")
        self.charge(intent)

    def cancel(self, intent, fields):
        if intent["status"] not in OPEN:
            raise self.unexpected(intent, "cancel")
        intent.update(status="canceled", canceled_at=int(time.time()), amount_capturable=0, next_action=None)
        self.save(intent, "payment_intent.canceled")

    @staticmethod
    def unexpected(intent, call):
        return invalid(f"You cannot {call} this PaymentIntent because it has a status of {intent['status']}.",
                       code="payment_intent_unexpected_state", payment_intent=intent)

    def save(self, intent, event):
        self.books.put("payment_intent", intent)
        self.emit(self.event(event, intent))

    @staticmethod
    def event(kind, of):
        return {"id": new_id("evt"), "object": "event", "api_version": "2024-06-20", "created": int(time.time()),
                "data": {"object": of}, "livemode": False, "pending_webhooks": 1, "type": kind}

    # --- the customer's bank ----------------------------------------------------------------------

    def customer(self, name, query):
        """The bank's page: the customer approves or rejects, and is led back to the shop."""
        with self.books.transaction():
            intent = self.intent(name)
            if intent["status"] != "requires_action":
                raise Refused(409, {"status": intent["status"]})
            back = intent["next_action"]["redirect_to_url"]["return_url"]
            if query.get("decision") == "approve":
                self.take(intent)
            else:
                self.decline(intent, "payment_intent_authentication_failure", None)
        joint = "&" if "?" in back else "?"
        status = "succeeded" if query.get("decision") == "approve" else "failed"
        return 303, {"_location": f"{back}{joint}payment_intent={name}&payment_intent_client_secret="
                                  f"{intent['client_secret']}&redirect_status={status}"}

    # --- refunds ---------------------------------------------------------------------------------

    def refund(self, fields):
        intent = self.intent(fields["payment_intent"])
        if intent["status"] != "succeeded":
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        made = [each for each in self.books.every("refund") if each["payment_intent"] == intent["id"]]
        left = intent["amount_received"] - sum(each["amount"] for each in made if each["status"] != "failed")
        amount = int(fields.get("amount", left))
        if amount > left or left == 0:
            raise invalid("The refund is greater than what is left of the charge", param="amount",
                          code="charge_already_refunded" if left == 0 else None)
        status = {"pm_card_refundFail": "failed", "pm_card_pendingRefund": "pending"}.get(intent["payment_method"],
                                                                                        "succeeded")
        refund = {"id": new_id("re"), "object": "refund", "amount": amount, "currency": intent["currency"],
                  "created": int(time.time()), "payment_intent": intent["id"], "status": status, "reason": None,
                  "failure_reason": "expired_or_canceled_card" if status == "failed" else None,
                  "metadata": {"refund_key": fields["metadata[refund_key]"]} if "metadata[refund_key]" in fields else {}}
        self.books.put("refund", refund)
        if status == "succeeded":
            self.pay_back(refund)
        self.emit(self.event("refund.created", refund))
        return refund

    def pay_back(self, refund):
        order_id = self.intent(refund["payment_intent"])["metadata"].get("order_id")
        self.books.move(refund["payment_intent"], order_id, "refund", refund["amount"], refund["currency"])

    def settle(self):
        """The bank carries out what was pending."""
        with self.books.transaction():
            for refund in self.books.every("refund"):
                if refund["status"] == "pending":
                    refund["status"] = "succeeded"
                    self.books.put("refund", refund)
                    self.pay_back(refund)
                    self.emit(self.event("refund.updated", refund))
        self.deliver_later()

    def read(self, path, query):
        fault = self.fault_of("read")
        if fault:
            return 500, {"error": {"type": "api_error", "message": "try again"}}
        found = re.fullmatch(r"/v1/payment_intents/(\w+)", path)
        if found:
            return 200, self.intent(found[1])
        if path != "/v1/refunds":
            raise invalid(f"Unrecognized request URL (GET: {path})", 404)
        of = [each for each in reversed(self.books.every("refund")) if each["payment_intent"] == query["payment_intent"]]
        ids = [each["id"] for each in of]
        first = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        limit = int(query.get("limit", 10))
        return 200, {"object": "list", "data": of[first:first + limit], "has_more": len(of) > first + limit}

    def test(self, method, name, body):
        if name == "settle":
            self.settle()
            return {}
        if name == "intents":
            return self.books.every("payment_intent")
        if name == "change":  # an intent as no call of ours could make it
            with self.books.transaction():
                self.books.put("payment_intent", {**self.intent(body["id"]), **body})
            return {}
        return super().test(method, name, body)


if __name__ == "__main__":
    server.main(Stripe)
