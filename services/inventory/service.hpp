#pragma once

#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "events/outbox.hpp"
#include "inventory/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "reservations.hpp"

namespace souk::inventory {

class Service final : public Api {
 public:
  // `pool` is of inventory_db, migrated with the sets events, idempotency and inventory.
  Service(Runtime& runtime, pg::Pool& pool);

  // Expires reservations every 30 s, and forgets what is old every hour.
  void start(TaskGroup& group);
  // One round of the sweeper: expires all that is due now. Returns how many orders.
  Task<std::int64_t> sweep(Context context);

  Task<Result<StockList>> get_stock(Context context, GetStock request) override;
  Task<Result<StockPage>> list_stock(Context context, ListStock request) override;
  Task<Result<Stock>> patch_stock(Context context, PatchStock request) override;
  Task<Result<OpenedStock>> open_stock(Context context, OpenStock request) override;
  Task<Result<Stock>> restock(Context context, StockMovement request) override;
  Task<Result<Stock>> adjust(Context context, StockMovement request) override;
  Task<Result<BulkResults>> move_stock(Context context, BulkMovement request) override;
  Task<Result<Reservation>> reserve(Context context, Reserve request) override;
  Task<Result<Reservation>> extend(Context context, ExtendReservation request) override;
  Task<Result<Done>> release(Context context, OrderRef request) override;
  Task<Result<Reservation>> complete(Context context, OrderRef request) override;
  Task<Result<Reservation>> get_reservation(Context context, OrderRef request) override;
  Task<Result<Done>> return_stock(Context context, ReturnStock request) override;
  Task<Result<Ledger>> list_ledger(Context context, ListLedger request) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  static Task<> sweep_again_and_again(Service& service, TaskGroup& group);
  static Task<> prune_again_and_again(Service& service, TaskGroup& group);

  // A movement that was checked, in one transaction.
  struct Movement {
    TransactionType type{};
    std::vector<ReserveLine> lines;  // signed quantities
    std::string reference_id;
    std::optional<std::string> notes;
  };
  Task<Result<Stock>> move(Context context, TransactionType type, StockMovement request);
  Task<Result<Stock>> move_once(Context context, TransactionType type, StockMovement request);
  // Returns the items' ids. Does nothing where the movement was made before.
  Task<Result<std::vector<Uuid>>> apply(pg::Transaction& tx, Movement movement, std::string caller);
  Task<Result<Done>> return_once(Context context, Movement movement);

  pg::Pool& pool_;
  Repository repository_;
  events::Outbox outbox_;
  Reservations reservations_;
};

}  // namespace souk::inventory
