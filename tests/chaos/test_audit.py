"""`souk audit` finds every kind of damage: one violation of each rule is planted in books that are in order."""

import json

import flows
import pytest
from books import OPENING_STOCK, wait_quiet

# Rule -> what breaks it: a database, and a statement that no constraint stands in the way of any more.
# Orders are named by what became of them: %(bought)s, %(cancelled)s, %(delivered)s.
PLANTED = {
    "reserved stock is the sum of the active reservations":
        ("inventory_db", "UPDATE inventory SET reserved_quantity = reserved_quantity + 1"),
    "reserved stock lies between nothing and all of it":
        ("inventory_db", "UPDATE inventory SET reserved_quantity = quantity + 1"),
    "the quantity is what the ledger adds up to":
        ("inventory_db", "UPDATE inventory SET quantity = quantity + 1"),
    "the ledger has one row for each cause":
        ("inventory_db", "INSERT INTO inventory_transactions (inventory_id, transaction_type, quantity, reference_id)"
                         " SELECT inventory_id, transaction_type, quantity, reference_id FROM inventory_transactions"),
    "the signs of the ledger are those of its types":
        ("inventory_db", "UPDATE inventory_transactions SET quantity = -quantity WHERE transaction_type = 'sale'"),
    "an order's total is the sum of its parts":
        ("order_db", "UPDATE orders SET total = total + 0.01 WHERE id = %(bought)s"),
    "an order's subtotal is the sum of its items":
        ("order_db", "DELETE FROM order_items WHERE order_id = %(bought)s"),
    "an order's tax and discount are the sums of its items":
        ("order_db", "UPDATE order_items SET discount = discount + 0.01 WHERE order_id = %(bought)s"),
    "a coupon is used no more often than it may":
        ("order_db", "UPDATE coupons SET uses = max_uses + 1"),
    "a coupon is used by nobody more often than it may":
        ("order_db", "INSERT INTO coupon_uses (order_id, coupon_id, user_id, email)"
                     " SELECT gen_random_uuid(), coupon_id, user_id, email FROM coupon_uses"),
    "a coupon's counter is the number of its uses":
        ("order_db", "UPDATE coupons SET uses = uses - 1"),
    "a use of a coupon has an order or a checkout under way":
        ("order_db", "UPDATE coupon_uses SET order_id = gen_random_uuid()"),
    "a checkout with a coupon has its use until it is refused":
        ("order_db", "DELETE FROM coupon_uses"),
    "the uses of an order's coupons took off what the order says":
        ("order_db", "UPDATE coupon_uses SET discount = discount + 1"),
    "one currency goes through order, payment and refund":
        ("payment_db", "UPDATE refunds SET currency = 'EUR'"),
    "an order is captured once, in full, or not at all":
        ("payment_db", "UPDATE payments SET amount = amount - 0.01 WHERE order_id = %(bought)s"),
    "refunds, pending ones too, never exceed the capture":
        ("payment_db", "INSERT INTO refunds (refund_number, payment_id, order_id, amount, currency, status, cause)"
                       " SELECT 'planted', id, order_id, 0.01, currency, 'pending', 'planted' FROM payments"
                       " WHERE order_id = %(cancelled)s"),
    "a refunded payment is refunded in full":
        ("payment_db", "UPDATE refunds SET amount = amount - 0.01"),
    "captured money has a live order or is refunded in full":
        ("order_db", "UPDATE orders SET status = 'cancelled' WHERE id = %(bought)s"),
    "a live order is captured, authorised, cash on delivery, or of total 0":
        ("payment_db", "UPDATE payments SET status = 'failed' WHERE order_id = %(bought)s"),
    "a delivered order is paid, and so is one whose money was captured":
        ("order_db", "UPDATE orders SET payment_status = 'pending' WHERE id = %(delivered)s"),
    "an order whose payment was refunded says so":
        ("order_db", "UPDATE orders SET payment_status = 'paid' WHERE id = %(cancelled)s"),
    "no payment is left in the middle":
        ("payment_db", "UPDATE payments SET status = 'pending' WHERE order_id = %(bought)s"),
    "a cancelled order holds no stock":
        ("inventory_db", "UPDATE stock_reservations SET status = 'active' WHERE order_id = %(cancelled)s"),
    "a cancelled order has given back what it took":
        ("inventory_db", "DELETE FROM inventory_transactions WHERE left(reference_id, 36) = %(cancelled)s"
                         " AND transaction_type IN ('restock', 'adjustment')"),
    "a live order's completed reservations are its items":
        ("inventory_db", "UPDATE stock_reservations SET quantity = quantity - 1 WHERE order_id = %(bought)s"),
    "stock is sold to orders only":
        ("inventory_db", "UPDATE stock_reservations SET order_id = gen_random_uuid() WHERE order_id = %(bought)s"),
    "no active reservation is past its expiry by two sweeps":
        ("inventory_db", "UPDATE stock_reservations SET status = 'active', expires_at = timezone('UTC', now())"
                         " - interval '70 seconds' WHERE order_id = %(bought)s"),
    "no reservation is active once all is quiet":
        ("inventory_db", "UPDATE stock_reservations SET status = 'active' WHERE order_id = %(bought)s"),
    "every checkout is completed or compensated":
        ("order_db", "UPDATE checkout_sagas SET state = 'completing', finished_at = NULL WHERE id = %(bought)s"),
    "every cancellation is finished":
        ("order_db", "UPDATE cancellation_sagas SET finished_at = NULL"),
    "a completed checkout has its order and a compensated one has none":
        ("order_db", "UPDATE checkout_sagas SET state = 'compensated' WHERE id = %(bought)s"),
    "a cart in one version is bought once":
        ("order_db", "UPDATE checkout_sagas SET cart_key = 'cart:one', cart_version = 1"),
    "an idempotency key has one effect, and an effect has one key":
        ("order_db", "UPDATE idempotency_keys SET subject = %(bought)s"),
    "our books are the gateway's books, both ways":
        ("payment_db", "DELETE FROM simulator.payments WHERE key = %(bought)s"),
    "our refunds are the gateway's refunds, both ways":
        ("payment_db", "UPDATE simulator.refunds SET amount = amount - 1"),
    "no more of an item is shipped than was bought, and nothing of a cancelled order":
        ("order_db", "UPDATE shipment_items SET quantity = quantity + 1"),
    "a shipped order is shipped in full, and one that is not lacks something":
        ("order_db", "DELETE FROM shipment_items"),
    "a parcel's items are its order's, and the order knows its latest":
        ("order_db", "UPDATE orders SET tracking_number = 'another' WHERE id = %(delivered)s"),
    "the histories hold only legal changes of status":
        ("order_db", "INSERT INTO order_status_history (order_id, status, created_at)"
                     " VALUES (%(cancelled)s, 'confirmed', now() + interval '1 hour')"),
    "an order's status is the last of its history":
        ("order_db", "UPDATE orders SET status = 'processing' WHERE id = %(bought)s"),
    "each change of status has one event":
        ("order_db", "DELETE FROM outbox_events WHERE key = %(bought)s"),
    "each change of status has one message a channel, and of webhooks one an endpoint":
        ("notification_db", "UPDATE notifications SET kind = 'order.confirmed', occurrence = '' WHERE subject_id = %(cancelled)s"),
    "every return that was received is finished":
        ("order_db", "UPDATE return_sagas SET finished_at = NULL"),
    "no more of an item is returned than was shipped, and all of it adds up to its discount and tax":
        ("order_db", "UPDATE order_return_items SET tax = tax + 0.01"),
    "a return gave back what it says, once":
        ("order_db", "UPDATE order_returns SET refund = refund - 0.01"),
    "what a return put back into the stock is in the ledger, and nothing else":
        ("inventory_db", "DELETE FROM inventory_transactions WHERE position(':return:' in reference_id) > 0"),
    "a refunded order has come back whole":
        ("order_db", "UPDATE order_return_items SET quantity = quantity - 1"),
    "each confirmed order has its message":
        ("notification_db", "DELETE FROM notifications WHERE subject_id = %(bought)s"),
}

_TABLES = """
    SELECT c.oid::regclass::text AS name, c.oid::regclass::text || ' (' || string_agg(quote_ident(a.attname), ', ')
           || ') OVERRIDING SYSTEM VALUE SELECT ' || string_agg(quote_ident(a.attname), ', ') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('public', 'simulator') AND a.attgenerated = ''
    GROUP BY c.oid"""
_UNGUARD = """
    DO $$ DECLARE guard record; BEGIN
        FOR guard IN SELECT conrelid::regclass AS on_table, conname FROM pg_constraint
                     WHERE contype IN ('c', 'u', 'f') AND conrelid <> 0
                       AND connamespace::regnamespace::text IN ('public', 'simulator') LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', guard.on_table, guard.conname);
        END LOOP;
        FOR guard IN SELECT indexrelid::regclass AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                     WHERE indisunique AND NOT indisprimary AND c.relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('DROP INDEX %s', guard.name);
        END LOOP;
    END $$"""


class Books:
    """The databases of a shop that was stopped, without constraints, and a copy to restore them from."""

    def __init__(self, shop, orders):
        self.shop = shop
        self.orders = orders
        self.tables = {}
        for database in {database for database, _ in PLANTED.values()}:
            shop.sql(database, _UNGUARD)
            self.tables[database] = shop.sql(database, _TABLES)
            shop.sql(database, "CREATE SCHEMA kept")
            for table in self.tables[database]:
                shop.sql(database, f"CREATE TABLE kept.{self._kept(table)} AS TABLE {table['name']}")

    @staticmethod
    def _kept(table):
        return table["name"].replace(".", "_")

    def plant(self, database, statement):
        orders = {name: f"'{order_id}'" for name, order_id in self.orders.items()}
        return self.shop.sql(database, statement % orders + " RETURNING 1")

    def restore(self, database):
        for table in self.tables[database]:
            self.shop.sql(database, f"DELETE FROM {table['name']}; INSERT INTO {table['columns']}"
                                    f" FROM kept.{self._kept(table)}")

    def audit(self):
        """(exit code, {rule: number of violations})"""
        done = self.shop.run("audit", "--json")
        found = json.loads(done.stdout)
        counts = {rule["name"]: rule["violations"] for rule in found["invariants"]}
        assert found["violations"] == sum(counts.values())
        return done.returncode, counts


@pytest.fixture(scope="module")
def books(shop, stocked):
    shop.start({})
    made = {}
    wanted = {"bought": flows.WithCoupon, "cancelled": flows.Cancelled, "declined": flows.Declined,
              "delivered": flows.Delivered, "returned": flows.Returned}
    for (name, flow), product_id in zip(wanted.items(), stocked(len(wanted), OPENING_STOCK), strict=True):
        made[name] = flow(product_id)
        made[name].drive(shop)
    wait_quiet(shop)
    shop.stop()
    return Books(shop, {name: purchase.checkout_id for name, purchase in made.items()})


def test_books_in_order_are_found_in_order(books):
    code, found = books.audit()
    assert code == 0 and not any(found.values()), found
    done = books.shop.run("audit")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"{len(found)} invariants, 0 violations"
    left = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE '%_db'"
    assert books.shop.scalar("souk_audit", left) == 0, "rows of customers stay in the scratch database"


def test_each_rule_has_its_violation_here(books):
    assert set(books.audit()[1]) == set(PLANTED), "a rule is tested by a violation in PLANTED"


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_violation_is_found(books, rule):
    database, statement = PLANTED[rule]
    try:
        assert books.plant(database, statement), "nothing was planted"
        code, found = books.audit()
        assert code == 1 and found[rule] > 0, f"not found: {rule}"
    finally:
        books.restore(database)
    if rule == list(PLANTED)[-1]:
        assert books.audit()[0] == 0, "the books were not restored"


def test_what_was_found_is_told_row_by_row(books):
    rule = "an order's total is the sum of its parts"
    try:
        books.plant(*PLANTED[rule])
        done = books.shop.run("audit")
    finally:
        books.restore("order_db")
    lines = done.stdout.splitlines()
    at = lines.index(f"VIOLATED   {rule}")
    assert json.loads(lines[at + 1])["id"] == books.orders["bought"]
    assert done.returncode == 1 and lines[-1].endswith(" violations")


def test_what_cannot_be_audited_has_an_exit_code_of_its_own(books):
    wrong = books.shop.run("audit", "--jsn")
    assert wrong.returncode == 2 and "usage: souk audit" in wrong.stderr
    nobody = books.shop.run("audit", env={"SOUK_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/postgres"})
    assert nobody.returncode == 2 and "could not be audited" in nobody.stderr
