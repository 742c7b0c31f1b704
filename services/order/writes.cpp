#include "writes.hpp"

#include <set>
#include <string>
#include <utility>

#include "core/failpoint.hpp"
#include "core/seeded_bug.hpp"

namespace souk::order {
namespace {

using namespace std::chrono_literals;

// A batch is nobody's request: it has a deadline of its own, just beyond the database's statement_timeout.
Context batch_context() { return Context::background("order", 6s); }

struct WriteStarts {
  SagaRepository& sagas;

  Task<std::vector<Started>> operator()(const std::vector<Intent>& intents) const {
    std::vector<Started> replies(intents.size());
    std::vector<std::size_t> waiting(intents.size());
    for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i] = i;
    // Usually one round. Of two with the same key or cart the second is written after the first, and sees it.
    while (!waiting.empty()) {
      std::set<std::pair<std::string, std::string>> keys;
      std::set<std::pair<std::string, std::int64_t>> carts;
      std::vector<std::size_t> now;
      std::vector<std::size_t> later;
      for (const auto i : waiting) {
        const auto& intent = intents[i];
        const bool first = keys.emplace(intent.scope, intent.key).second &&
                           carts.emplace(intent.cart_key, intent.details.cart_version).second;
        (first ? now : later).push_back(i);
      }
      co_await write(intents, now, replies);
      waiting = std::move(later);
    }
    co_return replies;
  }

  Task<> write(const std::vector<Intent>& intents, std::vector<std::size_t> which,
               std::vector<Started>& replies) const {
    SOUK_FAILPOINT("order.before_intent_commit");
    std::vector<Started> written;
    if (which.size() == intents.size()) {
      written = co_await sagas.start(batch_context(), intents);
    } else {
      std::vector<Intent> some;
      for (const auto i : which) some.push_back(intents[i]);
      written = co_await sagas.start(batch_context(), some);
    }
    SOUK_FAILPOINT("order.after_intent_commit");
    for (std::size_t i = 0; i < which.size(); ++i) replies[which[i]] = written[i];
  }
};

struct WriteOrders {
  SagaRepository& sagas;
  events::Outbox& outbox;

  Task<std::vector<OrderWritten>> operator()(const std::vector<OrderToWrite>& orders) const {
    SOUK_FAILPOINT("order.before_pivot_commit");
    auto written = co_await sagas.write_orders(batch_context(), orders);
    SOUK_FAILPOINT("order.after_pivot_commit");
    outbox.committed();
    co_return written;
  }
};

struct WriteRefusals {
  SagaRepository& sagas;

  Task<std::vector<Written>> operator()(const std::vector<RefusalToWrite>& refusals) const {
    SOUK_FAILPOINT("order.before_refusal_commit");
    auto written = co_await sagas.write_refusals(batch_context(), refusals);
    SOUK_FAILPOINT("order.after_refusal_commit");
    co_return written;
  }
};

struct WriteCompletions {
  SagaRepository& sagas;

  Task<std::vector<Written>> operator()(const std::vector<Step>& steps) const {
    SOUK_FAILPOINT("order.before_completed_commit");
    auto written = co_await sagas.write_completed(batch_context(), steps);
    SOUK_FAILPOINT("order.after_completed_commit");
    co_return written;
  }
};

}  // namespace

// Each kind of write has a home of its own where there are several workers.
Writes::Writes(Runtime& runtime, SagaRepository& sagas, events::Outbox& outbox)
    : starts_(runtime.executor(0), {.max_batch = 256}, WriteStarts{sagas}),
      orders_(runtime.executor(1 % runtime.size()), {.max_batch = 128}, WriteOrders{sagas, outbox}),
      refusals_(runtime.executor(0), {.max_batch = 256}, WriteRefusals{sagas}),
      completions_(runtime.executor(1 % runtime.size()), {.max_batch = 256}, WriteCompletions{sagas}) {}

Task<Started> Writes::start(Intent intent) {
  if (SOUK_SEEDED_BUG("order.no_idempotency_check")) intent.key = intent.id.to_string();
  // Neither started nor taken: somebody claimed the key in the same moment, and the next look sees it.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto started = co_await starts_.submit(intent);
    if (started.started || started.key_taken || started.cart_taken || started.refused_coupon) co_return started;
  }
  throw Overloaded("an idempotency key is claimed by too many at once");
}

}  // namespace souk::order
