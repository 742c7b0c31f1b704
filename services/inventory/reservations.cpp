#include "reservations.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>

#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "postgres/retry.hpp"
#include "telemetry/metrics.hpp"

namespace souk::inventory {
namespace {

using namespace std::chrono_literals;
using rules::Operation;
using Kind = Operation::Kind;

constexpr std::size_t most_operations = 512;
// A statement with more lines than this would keep its items locked for too long.
constexpr std::size_t most_lines = 4096;
constexpr Duration time_limit = 5s;
constexpr int attempts = 3;

metrics::Histogram& batch_size() {
  static auto& histogram =
      metrics::histogram("souk_inventory_batch_size", "Operations on reservations that were executed together.", {},
                         {1, 2, 4, 8, 16, 32, 64, 128, 256, 512});
  return histogram;
}

// The least lines that an operation may touch; those of the other kinds are known only to the database.
std::size_t lines_of(const Operation& operation) { return std::max<std::size_t>(1, operation.lines.size()); }

bool has(const std::vector<Operation>& operations, Kind kind) {
  return std::ranges::any_of(operations, [kind](const Operation& operation) { return operation.kind == kind; });
}

Task<> fail_before_commit(const std::vector<Operation>& operations) {
  if (!failpoints_armed()) co_return;
  if (has(operations, Kind::reserve)) SOUK_FAILPOINT("inventory.before_reserve_commit");
  if (has(operations, Kind::extend)) SOUK_FAILPOINT("inventory.before_extend_commit");
  if (has(operations, Kind::complete)) SOUK_FAILPOINT("inventory.before_complete_commit");
  if (has(operations, Kind::release)) SOUK_FAILPOINT("inventory.before_release_commit");
  if (has(operations, Kind::expire)) SOUK_FAILPOINT("inventory.before_expire_commit");
}

Task<> fail_after_commit(const std::vector<Operation>& operations) {
  if (!failpoints_armed()) co_return;
  if (has(operations, Kind::reserve)) SOUK_FAILPOINT("inventory.after_reserve_commit");
  if (has(operations, Kind::extend)) SOUK_FAILPOINT("inventory.after_extend_commit");
  if (has(operations, Kind::complete)) SOUK_FAILPOINT("inventory.after_complete_commit");
  if (has(operations, Kind::release)) SOUK_FAILPOINT("inventory.after_release_commit");
  if (has(operations, Kind::expire)) SOUK_FAILPOINT("inventory.after_expire_commit");
}

std::vector<std::string> products_of(const std::vector<Operation>& operations) {
  std::vector<std::string> products;
  for (const auto& operation : operations) {
    for (const auto& line : operation.lines) products.push_back(line.product_id);
  }
  std::ranges::sort(products);
  products.erase(std::ranges::unique(products).begin(), products.end());
  return products;
}

std::vector<Uuid> orders_of(const std::vector<Operation>& operations) {
  std::vector<Uuid> orders;
  for (const auto& operation : operations) orders.push_back(operation.order_id);
  std::ranges::sort(orders);
  orders.erase(std::ranges::unique(orders).begin(), orders.end());
  return orders;
}

// Orders that took stock: none of them may have been closed meanwhile.
std::vector<Uuid> granted(const std::vector<Operation>& operations, const rules::Decision& decision) {
  std::vector<Uuid> orders;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const bool takes = operations[i].kind == Kind::reserve || operations[i].kind == Kind::complete;
    if (takes && decision.answers[i].result) orders.push_back(operations[i].order_id);
  }
  return orders;
}

// Another process has reserved for one of the orders while we waited for its items: the books were too old to show it.
bool was_overtaken(const pg::Error& error) {
  return error.is_unique_violation("stock_reservations_once") ||
         error.is_unique_violation("inventory_transactions_once");
}

}  // namespace

Reservations::Reservations(Runtime& runtime, pg::Pool& pool, Repository& repository, events::Outbox& outbox)
    : pool_(pool),
      repository_(repository),
      outbox_(outbox),
      batcher_(runtime.executor(0), {.max_batch = most_operations},
               [this](Requests requests) { return run(std::move(requests)); }) {}

Task<Result<Reservation>> Reservations::submit(Context context, Operation operation) {
  for (int attempt = 1;; ++attempt) {
    auto outcome = co_await batcher_.submit({operation, context.deadline()});
    if (!outcome.failure) co_return std::move(outcome.result);
    bool unknown = false;
    try {
      std::rethrow_exception(outcome.failure);
    } catch (const pg::UnknownOutcome&) {
      if (attempt == attempts || context.expired()) throw;
      unknown = true;
    }
    if (unknown) co_await pg::sleep_before_retry(context, 50ms);
  }
}

Task<> Reservations::expire(Context context, std::vector<Uuid> order_ids) {
  Requests requests;
  for (const auto& id : order_ids) {
    requests.push_back({{.kind = Kind::expire, .order_id = id, .caller = "service:inventory"}, context.deadline()});
  }
  for (const auto& outcome : co_await run(std::move(requests))) {
    if (outcome.failure) std::rethrow_exception(outcome.failure);
  }
}

// Requests whose time was over while they waited are not executed: nobody would hear of it.
Task<Reservations::Outcomes> Reservations::run(Requests requests) {
  const auto now = Clock::now();
  if (std::ranges::all_of(requests, [now](const Request& request) { return request.deadline > now; })) {
    co_return co_await run_halving(std::move(requests));
  }
  Requests timely;
  for (const auto& request : requests) {
    if (request.deadline > now) timely.push_back(request);
  }
  auto executed = timely.empty() ? Outcomes{} : co_await run_halving(std::move(timely));
  auto next = executed.begin();
  Outcomes outcomes;
  for (const auto& request : requests) {
    if (request.deadline > now) {
      outcomes.push_back(std::move(*next++));
    } else {
      outcomes.push_back({.failure = std::make_exception_ptr(Unavailable("the stock was asked too late"))});
    }
  }
  co_return outcomes;
}

Task<Reservations::Outcomes> Reservations::run_halving(Requests requests) {
  std::size_t lines = 0;
  Deadline latest = Deadline::min();
  for (const auto& request : requests) {
    lines += lines_of(request.operation);
    latest = std::max(latest, request.deadline);
  }
  std::exception_ptr failure;
  bool guilty = requests.size() > 1 && lines > most_lines;
  if (!guilty) {
    const Context context("inventory batch", "", Caller{}, std::min(latest, Clock::now() + time_limit));
    try {
      co_return co_await pg::retry_transient(context, [&] { return run_together(context, requests); });
    } catch (const pg::Error&) {
      guilty = true;
      failure = std::current_exception();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  // Only a refused statement is somebody's fault; without the database all fail alike.
  if (!guilty || requests.size() == 1) co_return Outcomes(requests.size(), Outcome{.failure = failure});
  const auto middle = requests.begin() + static_cast<std::ptrdiff_t>(requests.size() / 2);
  auto outcomes = co_await run_halving(Requests(requests.begin(), middle));
  auto rest = co_await run_halving(Requests(middle, requests.end()));
  std::ranges::move(rest, std::back_inserter(outcomes));
  co_return outcomes;
}

Task<Reservations::Outcomes> Reservations::run_together(Context context, Requests requests) {
  batch_size().observe(static_cast<double>(requests.size()));
  std::vector<Operation> operations;
  operations.reserve(requests.size());
  for (const auto& request : requests) operations.push_back(request.operation);
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    auto decision = co_await decide(context, operations);
    if (!decision) continue;
    Outcomes outcomes;
    outcomes.reserve(requests.size());
    std::vector<std::size_t> to_close;
    for (auto& answer : decision->answers) {
      if (answer.must_close) to_close.push_back(outcomes.size());
      outcomes.push_back({.result = std::move(answer.result)});
    }
    if (!to_close.empty()) co_await close_released(context, requests, std::move(to_close), outcomes);
    co_return outcomes;
  }
  throw Unavailable("other processes were faster with the same orders again and again");
}

// Empty when another process was faster with one of the orders, so that it must be decided anew.
Task<std::optional<rules::Decision>> Reservations::decide(Context context, std::vector<Operation> operations) {
  auto tx = co_await pool_.begin(std::move(context));
  auto books = co_await repository_.lock_books(tx, products_of(operations), orders_of(operations));
  auto decision = rules::decide(std::move(books), operations);
  if (decision.changes.empty()) {
    co_await tx.rollback();
    co_return decision;
  }
  const bool tells = !decision.changes.events.empty();
  bool overtaken = false;
  try {
    const auto closed = co_await repository_.write(tx, std::move(decision.changes), granted(operations, decision));
    overtaken = !closed.empty();
  } catch (const pg::Error& error) {
    if (!was_overtaken(error)) throw;
    overtaken = true;
  }
  if (overtaken) {
    co_await tx.rollback();
    co_return std::nullopt;
  }
  co_await fail_before_commit(operations);
  co_await tx.commit();
  if (tells) outbox_.committed();
  co_await fail_after_commit(operations);
  co_return decision;
}

// A release that found nothing closes the order, so that a reserve that is still on its way is refused. Should one have
// been granted meanwhile, that is released. A failure concerns these alone: the others are committed.
Task<> Reservations::close_released(Context context, const Requests& requests, std::vector<std::size_t> places,
                                    Outcomes& outcomes) {
  try {
    std::vector<Uuid> orders;
    for (const auto place : places) orders.push_back(requests[place].operation.order_id);
    SOUK_FAILPOINT("inventory.before_close_commit");
    const auto holding = co_await repository_.close_orders(context, orders);
    SOUK_FAILPOINT("inventory.after_close_commit");
    std::erase_if(places, [&](std::size_t place) {
      return std::ranges::find(holding, requests[place].operation.order_id) == holding.end();
    });
    if (places.empty()) co_return;
    Requests again;
    for (const auto place : places) again.push_back(requests[place]);
    auto released = co_await run_together(std::move(context), std::move(again));
    for (std::size_t i = 0; i < places.size(); ++i) outcomes[places[i]] = std::move(released[i]);
  } catch (...) {
    for (const auto place : places) outcomes[place].failure = std::current_exception();
  }
}

}  // namespace souk::inventory
