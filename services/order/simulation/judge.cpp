#include "judge.hpp"

namespace souk::order::simulation {
namespace {

// The sagas end.
bool check_end(World& world, int order, const Row& row) {
  if (!row.over()) world.broken("the checkout of order {} never ends", order);
  if (row.cancelled && !row.returned) world.broken("the cancellation of order {} never ends", order);
  return row.over() && (!row.cancelled || row.returned);
}

void check_money(World& world, int order, const Row& row, bool lives) {
  const auto& account = world.gateway.account(order);
  const auto money = world.payments.state(order);
  if (account.captures > 1) world.broken("order {} is charged {} times", order, account.captures);
  if (account.refunds > account.captures) world.broken("order {} is refunded more than was charged", order);
  const int kept = account.captures - account.refunds;
  const bool held = account.state == Gateway::State::authorised;
  const bool card = row.means != Means::cash && row.means != Means::nothing_due;
  if (lives && card && kept == 0 && !held) world.broken("order {} lives, but its money went back", order);
  if (lives && row.means == Means::cash && money != Payments::State::on_delivery) {
    world.broken("order {} is to be paid on delivery, but nobody will ask for the cash", order);
  }
  if (!lives && (kept != 0 || held))
    world.broken("order {} does not live, but its money is {}", order, held ? "held" : "kept");
  if (!lives && money == Payments::State::on_delivery) world.broken("order {} does not live, but is to be paid", order);
  const bool differs = (money == Payments::State::captured) != (account.state == Gateway::State::captured);
  if (card && differs) world.broken("order {}: our books are not the gateway's", order);
}

void check_stock(World& world, int order, bool lives) {
  using enum Warehouse::Hold;
  const auto hold = world.warehouse.hold(order);
  if (lives && hold != sold) world.broken("order {} lives, but its stock is not sold to it", order);
  if (!lives && (hold == active || hold == sold)) world.broken("order {} does not live, but holds stock", order);
  if (world.warehouse.sales(order) > 1) world.broken("order {} is sold twice", order);
  if (world.warehouse.returns(order) > world.warehouse.sales(order)) world.broken("order {} comes back twice", order);
}

// What a customer was told stays so.
void check_words(World& world, int order, const Row& row) {
  if (row.told_order && !row.written) world.broken("the customer was told of order {}, which is not there", order);
  if (row.told_refusal && row.written) world.broken("order {} is there, but its customer was refused", order);
}

}  // namespace

void judge(World& world) {
  int sold = 0;
  int uses = 0;
  for (int order = 0; order < static_cast<int>(world.rows.size()); ++order) {
    const auto& row = world.rows[static_cast<std::size_t>(order)];
    if (!check_end(world, order, row)) continue;
    const bool lives = row.written && !row.cancelled;
    check_money(world, order, row, lives);
    check_stock(world, order, lives);
    check_words(world, order, row);
    uses += row.coupon ? 1 : 0;
    if (world.warehouse.hold(order) == Warehouse::Hold::sold) sold += row.pieces;
  }
  if (uses != world.coupon_uses || uses > world.coupon_limit) {
    world.broken("the coupon counts {} uses, but {} of {} are taken", world.coupon_uses, uses, world.coupon_limit);
  }
  const auto& shelf = world.warehouse;
  if (shelf.stocked() != shelf.pieces() + shelf.taken() + sold) {
    world.broken("{} pieces came, {} are there, {} were taken and {} sold", shelf.stocked(), shelf.pieces(),
                 shelf.taken(), sold);
  }
}

}  // namespace souk::order::simulation
