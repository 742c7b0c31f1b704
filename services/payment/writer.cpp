#include "writer.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>

#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "postgres/retry.hpp"
#include "rules.hpp"
#include "telemetry/metrics.hpp"

namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_together = 256;
constexpr Duration time_limit = 5s;
constexpr int attempts = 3;

metrics::Histogram& batch_size(const std::string& what) {
  return metrics::histogram("souk_payment_batch_size", "Payments that were written together.", {{"write", what}},
                            {1, 2, 4, 8, 16, 32, 64, 128, 256});
}

template <class Waiting>
Context context_of(const std::vector<Waiting>& batch) {
  Deadline latest = Deadline::min();
  for (const auto& one : batch) latest = std::max(latest, one.deadline);
  return Context("payment batch", "", Caller{}, std::min(latest, Clock::now() + time_limit));
}

// Executes the batch together; when the server refuses it, each alone, so that only the guilty one fails.
template <class Outcome, class Waiting, class Write>
Task<std::vector<Outcome>> write_isolated(std::vector<Waiting> batch, Write write) {
  using Value = std::remove_cvref_t<decltype(batch[0].value)>;
  const auto context = context_of(batch);
  std::vector<Value> values;
  for (const auto& one : batch) values.push_back(one.value);
  std::exception_ptr failure;
  bool refused = false;
  try {
    std::vector<Outcome> outcomes;
    const auto written = co_await pg::retry_transient(context, [&] { return write(context, values); });
    for (const auto& one : written) outcomes.push_back({.value = one});
    co_return outcomes;
  } catch (const pg::Error&) {
    failure = std::current_exception();
    refused = true;
  } catch (...) {
    failure = std::current_exception();
  }
  if (!refused || batch.size() == 1) co_return std::vector<Outcome>(batch.size(), Outcome{.failure = failure});
  std::vector<Outcome> outcomes;
  for (auto& one : batch) {
    auto alone = co_await write_isolated<Outcome>(std::vector<Waiting>{std::move(one)}, write);
    outcomes.push_back(std::move(alone.front()));
  }
  co_return outcomes;
}

// False when it is not known whether it was written, and there is time to try again.
bool settled(const std::exception_ptr& failure, int attempt, const Context& context) {
  if (!failure) return true;
  try {
    std::rethrow_exception(failure);
  } catch (const pg::UnknownOutcome&) {
    if (attempt == attempts || context.expired()) throw;
    return false;
  }
}

}  // namespace

Writer::Writer(Runtime& runtime, Repository& repository, events::Outbox& outbox)
    : repository_(repository),
      outbox_(outbox),
      begins_(runtime.executor(runtime.size() - 1), {.max_batch = most_together},
              [this](std::vector<Waiting<Payment>> batch) { return run_begins(std::move(batch)); }),
      changes_(runtime.executor(runtime.size() - 1), {.max_batch = most_together},
               [this](std::vector<Waiting<Change>> batch) { return run_changes(std::move(batch)); }) {}

// After an unknown outcome the same row is inserted again: that waits for the lost statement, and the row's id tells
// whether it was ours that came first.
Task<std::optional<Payment>> Writer::begin(Context context, Payment payment) {
  for (int attempt = 1;; ++attempt) {
    const auto outcome = co_await begins_.submit({payment, context.deadline()});
    if (settled(outcome.failure, attempt, context)) {
      if (outcome.value) {
        payment.created_at = *outcome.value;
        co_return payment;
      }
      if (attempt == 1) co_return std::nullopt;
      const auto known = co_await repository_.find(context, payment.order_id);
      if (!known || known->payment.id != payment.id) co_return std::nullopt;
      co_return known->payment;
    }
    co_await pg::sleep_before_retry(context, 50ms);
  }
}

Task<Payment> Writer::change(Context context, Change change) {
  if (change.from != change.payment.status && !rules::may_change(change.from, change.payment.status)) {
    throw std::logic_error("a payment takes a step that its status does not allow");
  }
  for (int attempt = 1;; ++attempt) {
    const auto outcome = co_await changes_.submit({change, context.deadline()});
    if (settled(outcome.failure, attempt, context)) {
      if (outcome.value) co_return std::move(change.payment);
      const auto known = co_await repository_.find(context, change.payment.order_id);
      if (!known) throw std::logic_error("a payment's row is gone");
      co_return known->payment;
    }
    co_await pg::sleep_before_retry(context, 50ms);
  }
}

Task<std::vector<Writer::Outcome<Writer::Begun>>> Writer::run_begins(std::vector<Waiting<Payment>> batch) {
  static auto& size = batch_size("begin");
  size.observe(static_cast<double>(batch.size()));
  return write_isolated<Outcome<Begun>>(std::move(batch), [this](Context context, std::vector<Payment> payments) {
    return begin_all(repository_, std::move(context), std::move(payments));
  });
}

Task<std::vector<Writer::Outcome<bool>>> Writer::run_changes(std::vector<Waiting<Change>> batch) {
  static auto& size = batch_size("change");
  size.observe(static_cast<double>(batch.size()));
  return write_isolated<Outcome<bool>>(std::move(batch), [this](Context context, std::vector<Change> changes) {
    return change_all(repository_, outbox_, std::move(context), std::move(changes));
  });
}

Task<std::vector<Writer::Begun>> Writer::begin_all(Repository& repository, Context context,
                                                   std::vector<Payment> payments) {
  SOUK_FAILPOINT("payment.before_begin_commit");
  auto begun = co_await repository.begin(std::move(context), std::move(payments));
  SOUK_FAILPOINT("payment.after_begin_commit");
  co_return begun;
}

Task<std::vector<bool>> Writer::change_all(Repository& repository, events::Outbox& outbox, Context context,
                                           std::vector<Change> changes) {
  SOUK_FAILPOINT("payment.before_result_commit");
  auto changed = co_await repository.change(std::move(context), std::move(changes));
  SOUK_FAILPOINT("payment.after_result_commit");
  outbox.committed();
  co_return changed;
}

}  // namespace souk::payment
