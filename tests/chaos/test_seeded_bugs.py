"""The nets catch fish: bugs that are planted one at a time in the program souk_seeded (lib/core/seeded_bug.hpp) must each
be caught by the test that is named here, which passes without them."""

import os
import re
import subprocess

import engines
import pytest
import tree

PROGRAM = tree.ROOT / "build/release/bin/souk_seeded"
RELEASE = tree.ROOT / "build/release/bin/souk"
HOOK = re.compile(r'SOUK_SEEDED_(?:BUG|SQL)\(\s*"([^"]+)"')
TIMEOUT_S = 300

# Bug: the net that must catch it.
CAUGHT_BY = {
    "inventory.hold_not_extended": "InventoryService.AnExtendedHoldOutlivesTheSweeper",
    "inventory.locks_unsorted": "InventoryReservations.ProcessesThatMeetNeitherDeadlockNorOversell",
    "inventory.release_keeps_the_hold": "InventoryService.AReleasedOrderGivesItsStockBackForGood",
    "inventory.sale_without_ledger_row": "InventoryService.AReservationHoldsStockAndCompletingSellsIt",
    "inventory.stock_not_locked": "InventoryReservations.ProcessesThatMeetNeitherDeadlockNorOversell",
    "order.cancelled_without_refund": "Simulation.KeepsItsPromises",
    "order.coupon_use_not_counted": "CouponTest.TheLastUseGoesToOneOfThirty",
    "order.event_outside_the_transaction":
        "BetweenTwoDurablePoints/CrashOfACancellation.IsFinishedByRecovery/order_before_cancel_commit",
    "order.lease_not_checked": "Recoveries.WhoLostTheLeaseWritesNothing",
    "order.no_idempotency_check": "Concurrency.OneKeyMakesOneOrderAndAllAreToldOfIt",
    "order.undone_before_it_is_written": "Simulation.KeepsItsPromises",
    "order.undone_without_lookup": "Simulation.KeepsItsPromises",
    "payment.a_new_key_for_each_attempt": "PaymentService.AnAnswerThatWasLostIsAskedFor",
    "payment.status_goes_backwards": "PaymentRules.APaymentGoesOnlyFromAStatusToWhatMayFollowIt",
}


@pytest.fixture(scope="module")
def run():
    """run(filter, bug): the finished program, its tests filtered, with the bug or without one."""
    borrowed = engines.borrow()

    def run_filtered(pattern, bug=None):
        environment = {**os.environ, **borrowed.environment, **({"SOUK_SEEDED_BUG": bug} if bug else {})}
        return subprocess.run([PROGRAM, f"--gtest_filter={pattern}", "--gtest_fail_fast"], env=environment,
                              cwd=tree.ROOT, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S,
                              check=False)

    yield run_filtered
    engines.give_back(borrowed)
    engines.stop_all()


def sources():
    return [name for name in tree.with_suffix(".cpp", ".hpp") if name != "lib/core/seeded_bug.hpp"]


def planted():
    """{bug: file}"""
    return {bug: name for name in sources() for bug in HOOK.findall(tree.text(name))}


def test_every_bug_has_its_net():
    assert set(planted()) == set(CAUGHT_BY) and len(CAUGHT_BY) >= 10


def test_every_file_with_a_bug_is_built_with_it():
    listed = set(re.findall(r"^\s+(\w\S+\.cpp)\)?$", tree.text("tests/seeded/CMakeLists.txt"), re.MULTILINE))
    assert listed == set(planted().values())


def test_the_release_has_none():
    """Neither their names nor the code that looks for them."""
    release, seeded = RELEASE.read_bytes(), PROGRAM.read_bytes()
    for word in (*CAUGHT_BY, "SOUK_SEEDED_BUG", "has_seeded_bug", "seed_sql"):
        assert word.encode() in seeded, f"souk_seeded lacks {word}"
        assert word.encode() not in release, f"the release has {word}"


def test_without_a_bug_every_net_passes(run):
    done = run(":".join(sorted(set(CAUGHT_BY.values()))))
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    assert f"[  PASSED  ] {len(set(CAUGHT_BY.values()))} tests" in done.stdout, "a net is named that there is not"


@pytest.mark.parametrize("bug", sorted(CAUGHT_BY))
def test_a_seeded_bug_is_caught(run, bug):
    done = run(CAUGHT_BY[bug], bug)
    assert done.returncode != 0, f"{CAUGHT_BY[bug]} does not notice {bug}"
    assert "[  FAILED  ]" in done.stdout, f"{bug} breaks the program, and no test says why:\n{done.stdout[-4000:]}"
