#include "recovery.hpp"

#include <boost/asio/co_spawn.hpp>
#include <map>
#include <set>

#include "answers.hpp"
#include "core/failure.hpp"
#include "core/report.hpp"
#include "events/consumer.hpp"
#include "events/idempotency.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::order {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t most_taken = 32;    // sagas in a round
constexpr std::size_t most_beside = 4096;  // tasks beside requests, a worker
constexpr Duration round_limit = 5s;
constexpr Duration maintenance_interval = 1h;
constexpr const char* consumer_name = "order.payments";

metrics::Gauge& open_sagas(const std::string& state) {
  return metrics::gauge("souk_checkout_sagas", "Checkouts under way, by state.", {{"state", state}});
}

}  // namespace

Recovery::Recovery(Runtime& runtime, pg::Pool& pool, SagaRepository& sagas, Executor& executor, Undo& undo,
                   Returns& returns, ReturnRepository& return_sagas, events::Outbox& outbox, payment::Api& payments,
                   Options options)
    : pool_(pool),
      sagas_(sagas),
      executor_(executor),
      undo_(undo),
      returns_(returns),
      return_sagas_(return_sagas),
      outbox_(outbox),
      payments_(payments),
      options_(options) {
  for (std::size_t i = 0; i < runtime.size(); ++i) {
    groups_.push_back(std::make_unique<TaskGroup>(runtime.executor(i)));
  }
}

void Recovery::start(TaskGroup& group) {
  loop_group_ = &group;
  group.spawn("order.recovery", loop(group));
  group.spawn("order.maintenance", maintain(group));
  group.spawn("order.settle", settle_at_the_end(group));
  events::run_consumer(
      group, {.name = consumer_name,
              .source =
                  [this](Context context, events::ReadEvents request) {
                    return payments_.events(std::move(context), std::move(request));
                  },
              .handle = [this](Context context,
                               const events::EventPage& page) { return note_payments(std::move(context), page); },
              .load_cursor =
                  [this](Context context) { return events::load_cursor(pool_, std::move(context), consumer_name); }});
}

TaskGroup& Recovery::own_group() { return *groups_[this_worker()]; }

// A worker ends before its lease does, so that no two work on one saga.
Context Recovery::run_context() const { return Context::background("order", options_.lease * 4 / 5); }

void Recovery::complete_later(Run run) {
  if (own_group().size() < most_beside) own_group().spawn("order.complete", complete(std::move(run)));
}

void Recovery::undo_later() {
  if (own_group().size() < most_beside) own_group().spawn("order.undo", undo_due());
}

void Recovery::return_later() {
  if (own_group().size() < most_beside) own_group().spawn("order.return", return_due());
}

Task<> Recovery::return_due() {
  for (const auto& open : co_await return_sagas_.take_due(run_context(), most_taken)) co_await continue_return(open);
}

Task<> Recovery::continue_return(OpenReturn open) { co_await returns_.run(run_context(), open); }

Task<> Recovery::complete(Run run) { co_await executor_.complete(run_context(), run); }

Task<> Recovery::undo_due() {
  for (auto& cancellation : co_await sagas_.take_due_cancellations(run_context(), most_taken)) {
    co_await continue_undo(cancellation);
  }
}

Task<> Recovery::continue_undo(OpenCancellation cancellation) { co_await undo_.run(run_context(), cancellation); }

Task<> Recovery::continue_checkout(Checkpoint checkpoint) {
  const auto context = run_context();
  auto run = Run::taken_over(std::move(checkpoint));
  co_await executor_.decide(context, run);
  co_await executor_.complete(context, run);
  log::info(context, "checkout recovered", log::kv("order_id", run.checkpoint.id), log::kv("state", run.state.phase));
}

Task<> Recovery::settle() {
  for (auto& group : groups_) co_await asio::co_spawn(group->executor(), group->drain(), use_task);
}

Task<> Recovery::settle_at_the_end(TaskGroup& group) {
  while (co_await group.sleep(1h)) {
  }
  co_await settle();
}

// Each in a task of its own: one that waits for a gateway must not hold up the others.
Task<std::size_t> Recovery::run_once(Context context) {
  auto checkouts = co_await sagas_.take_due(context, most_taken);
  const auto cancellations = co_await sagas_.take_due_cancellations(context, most_taken);
  const auto returns = co_await return_sagas_.take_due(context, most_taken);
  const auto taken = checkouts.size() + cancellations.size() + returns.size();
  for (auto& checkout : checkouts) own_group().spawn("order.continue", continue_checkout(std::move(checkout)));
  for (const auto& cancellation : cancellations) own_group().spawn("order.undo", continue_undo(cancellation));
  for (const auto& open : returns) own_group().spawn("order.return", continue_return(open));
  co_return taken;
}

void Recovery::wake() {
  if (loop_group_ != nullptr) loop_group_->wake();
}

Task<> Recovery::loop(TaskGroup& group) {
  const std::set<std::string> states{"running", "waiting", "completing"};
  while (!group.stopping()) {
    bool again = false;
    try {
      const auto context = Context::background("order", round_limit);
      again = own_group().size() < most_beside / 2 && co_await run_once(context) >= most_taken;
      auto counts = co_await sagas_.count_open(context);
      for (const auto& state : states) open_sagas(state).set(static_cast<double>(counts[state]));
    } catch (const std::exception&) {
      report_exception("order recovery", std::current_exception());
    }
    if (!again) co_await group.sleep(options_.interval);
  }
}

Task<> Recovery::maintain(TaskGroup& group) {
  do {
    try {
      const auto context = Context::background("order", 60s);
      co_await idempotency::prune(pool_, context);
      co_await outbox_.prune(context);
      co_await sagas_.prune(context);
    } catch (const std::exception&) {
      report_exception("order maintenance", std::current_exception());
    }
  } while (co_await group.sleep(maintenance_interval));
}

// Wakes what waits for its payment, writes on orders what was captured and given back after them, and gives back what
// was captured for a checkout that had ended.
Task<> Recovery::note_payments(Context context, const events::EventPage& page) {
  std::map<Uuid, PaymentStatus> told;
  for (const auto& event : page.events) {
    if (event.type != "payment.changed") continue;
    const auto id = Uuid::parse(event.key);
    if (id) told[*id] = answers::payment_status_after(json::read_trusted<payment::Payment>(event.payload.text).status);
  }
  if (!told.empty()) {
    std::vector<Uuid> orders, refunded;
    for (const auto& [id, status] : told) {
      orders.push_back(id);
      if (status == PaymentStatus::refunded) refunded.push_back(id);
    }
    if (co_await sagas_.make_due(context, std::move(orders))) wake();
    for (const auto& id : co_await sagas_.note_payments(context, std::move(told))) co_await refund_late(context, id);
    // The last of what was paid may have been given back by an administrator.
    for (const auto& id : refunded) co_await returns_.close_order(context, id);
  }
  auto tx = co_await pool_.begin(context);
  co_await events::store_cursor(tx, consumer_name, page);
  co_await tx.commit();
}

Task<> Recovery::refund_late(Context context, Uuid order_id) {
  const auto service = context.as_service("order");
  const auto payment = co_await payments_.get_payment(service, {.order_id = order_id});
  if (!payment || payment->status != payment::PaymentStatus::succeeded) co_return;
  log::warning(context, "a payment came after its checkout had ended", log::kv("order_id", order_id));
  payment::RefundPayment request{.order_id = order_id, .cause = "compensation"};
  const auto refund = co_await payments_.refund(service, std::move(request));
  // The feed is read again until it is under way.
  if (!refund) throw Unavailable("a late payment cannot be refunded: " + refund.error().code);
}

}  // namespace souk::order
