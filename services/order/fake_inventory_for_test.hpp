#pragma once

#include "fakes_for_test.hpp"

namespace souk::order {

// Stock in memory, with the promises of inventory::Api: idempotent by order id, released is never reserved again.
class FakeInventory final : public inventory::Api {
 public:
  explicit FakeInventory(Disturbance& disturbance) : disturbance_(disturbance) {}

  struct Item {
    std::int64_t quantity = 0;
    std::int64_t reserved = 0;
  };
  void stock(const std::string& id, std::int64_t quantity) {
    const std::lock_guard lock(mutex_);
    items_[id] = {quantity, 0};
  }
  Item item(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return items_[id];
  }
  // All holds run out now.
  void expire_all() {
    const std::lock_guard lock(mutex_);
    for (auto& [id, reservation] : reservations_) {
      if (reservation.status == inventory::ReservationStatus::active) {
        give_back(reservation);
        reservation.status = inventory::ReservationStatus::expired;
      }
    }
  }
  std::size_t count(inventory::ReservationStatus status) {
    const std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (const auto& [id, reservation] : reservations_) n += reservation.status == status ? 1 : 0;
    return n;
  }

  Task<Result<inventory::Reservation>> reserve(Context, inventory::Reserve request) override {
    disturbance_.before("inventory.reserve");
    auto result = reserve_now(request);
    disturbance_.after("inventory.reserve");
    co_return result;
  }
  Task<Result<inventory::Reservation>> extend(Context, inventory::ExtendReservation request) override {
    disturbance_.before("inventory.extend");
    const std::lock_guard lock(mutex_);
    const auto found = reservations_.find(request.order_id);
    if (found == reservations_.end()) co_return not_found();
    if (found->second.status != inventory::ReservationStatus::active) co_return closed();
    co_return found->second;
  }
  Task<Result<inventory::Done>> release(Context, inventory::OrderRef request) override {
    disturbance_.before("inventory.release");
    {
      const std::lock_guard lock(mutex_);
      auto& reservation =
          reservations_
              .try_emplace(request.order_id, inventory::Reservation{.order_id = request.order_id,
                                                                    .status = inventory::ReservationStatus::cancelled})
              .first->second;
      if (reservation.status == inventory::ReservationStatus::active) give_back(reservation);
      if (reservation.status != inventory::ReservationStatus::completed) {
        reservation.status = inventory::ReservationStatus::cancelled;
      }
    }
    disturbance_.after("inventory.release");
    co_return inventory::Done{};
  }
  Task<Result<inventory::Reservation>> complete(Context, inventory::OrderRef request) override {
    disturbance_.before("inventory.complete");
    auto result = complete_now(request.order_id);
    disturbance_.after("inventory.complete");
    co_return result;
  }
  Task<Result<inventory::Reservation>> get_reservation(Context, inventory::OrderRef request) override {
    disturbance_.before("inventory.get_reservation");
    const std::lock_guard lock(mutex_);
    const auto found = reservations_.find(request.order_id);
    if (found == reservations_.end()) co_return not_found();
    co_return found->second;
  }
  Task<Result<inventory::Done>> return_stock(Context, inventory::ReturnStock request) override {
    disturbance_.before("inventory.return_stock");
    {
      const std::lock_guard lock(mutex_);
      if (returned_.insert({request.order_id, request.cause}).second) {
        for (const auto& line : request.lines) items_[line.product_id].quantity += line.quantity;
      }
    }
    disturbance_.after("inventory.return_stock");
    co_return inventory::Done{};
  }

  Task<Result<inventory::StockList>> get_stock(Context, inventory::GetStock) override { not_asked(); }
  Task<Result<inventory::StockPage>> list_stock(Context, inventory::ListStock) override { not_asked(); }
  Task<Result<inventory::Stock>> patch_stock(Context, inventory::PatchStock) override { not_asked(); }
  Task<Result<inventory::BulkResults>> move_stock(Context, inventory::BulkMovement) override { not_asked(); }
  Task<Result<inventory::OpenedStock>> open_stock(Context, inventory::OpenStock) override { not_asked(); }
  Task<Result<inventory::Stock>> restock(Context, inventory::StockMovement) override { not_asked(); }
  Task<Result<inventory::Stock>> adjust(Context, inventory::StockMovement) override { not_asked(); }
  Task<Result<inventory::Ledger>> list_ledger(Context, inventory::ListLedger) override { not_asked(); }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents) override { not_asked(); }

 private:
  static Refusal not_found() { return refuse(ErrorKind::not_found, "inventory.reservation_not_found", "None."); }
  static Refusal closed() { return refuse(ErrorKind::conflict, "inventory.reservation_closed", "It is closed."); }

  std::vector<FieldError> missing(const std::vector<inventory::ReserveLine>& lines) {
    std::vector<FieldError> errors;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto& item = items_[lines[i].product_id];
      if (item.quantity - item.reserved >= lines[i].quantity) continue;
      errors.push_back({"items[" + std::to_string(i) + "]", "insufficient",
                        "only " + std::to_string(item.quantity - item.reserved) + " left"});
    }
    return errors;
  }
  void give_back(const inventory::Reservation& reservation) {
    for (const auto& line : reservation.lines) items_[line.product_id].reserved -= line.quantity;
  }
  Result<inventory::Reservation> reserve_now(const inventory::Reserve& request) {
    const std::lock_guard lock(mutex_);
    const auto known = reservations_.find(request.order_id);
    if (known != reservations_.end() && known->second.status == inventory::ReservationStatus::cancelled)
      return closed();
    if (known != reservations_.end() && known->second.status != inventory::ReservationStatus::expired) {
      return known->second;
    }
    if (auto errors = missing(request.lines); !errors.empty()) {
      auto refusal = refuse(ErrorKind::conflict, "inventory.insufficient_stock", "Not enough.");
      refusal.error().errors = std::move(errors);
      return refusal;
    }
    auto& reservation = reservations_[request.order_id];
    reservation = {.order_id = request.order_id};
    for (const auto& line : request.lines) {
      items_[line.product_id].reserved += line.quantity;
      reservation.lines.push_back({line.product_id, line.quantity});
    }
    return reservation;
  }
  Result<inventory::Reservation> complete_now(Uuid order_id) {
    const std::lock_guard lock(mutex_);
    const auto found = reservations_.find(order_id);
    if (found == reservations_.end()) return not_found();
    auto& reservation = found->second;
    using enum inventory::ReservationStatus;
    if (reservation.status == completed) return reservation;
    if (reservation.status == cancelled) return closed();
    const bool lapsed = reservation.status == expired;
    for (const auto& line : reservation.lines) {
      const auto& item = items_[line.product_id];
      if (lapsed && item.quantity - item.reserved < line.quantity) {
        return refuse(ErrorKind::conflict, "inventory.insufficient_stock", "Gone.");
      }
    }
    for (const auto& line : reservation.lines) {
      items_[line.product_id].quantity -= line.quantity;
      if (!lapsed) items_[line.product_id].reserved -= line.quantity;
    }
    reservation.status = completed;
    return reservation;
  }

  Disturbance& disturbance_;
  std::mutex mutex_;
  std::map<std::string, Item> items_;
  std::map<Uuid, inventory::Reservation> reservations_;
  std::set<std::pair<Uuid, std::string>> returned_;
};

}  // namespace souk::order
