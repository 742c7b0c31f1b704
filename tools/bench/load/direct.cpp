// souk_direct: calls of two services in this process, without HTTP, for ./souk bench to compare with; see ../README.md.
//   souk_direct search FILE-OF-QUERIES CLIENTS WARMUP_S SECONDS
//   souk_direct reserve FILE-OF-ARTICLES CLIENTS WARMUP_S SECONDS
// Settings come from the environment, as those of souk do. Prints what souk_load prints.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

#include "core/settings.hpp"
#include "core/task_group.hpp"
#include "databases.hpp"
#include "loop.hpp"
#include "postgres/pool.hpp"
#include "redis/client.hpp"
#include "services/catalog/service.hpp"
#include "services/inventory/service.hpp"
#include "services/search/service.hpp"
#include "settings.hpp"
#include "shopping.hpp"
#include "telemetry/log.hpp"

namespace souk::load {
namespace {

using Time = Clock::time_point;

struct Window {
  Time from;
  Time until;
};

double cpu_now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// One operation of a client; false when it was refused.
using Operation = std::function<Task<bool>(Sequence& numbers)>;

// A coroutine that asks again as soon as it has its answer.
Task<Measured> customer(const Operation& operation, Window window, std::uint64_t seed) {
  Sequence numbers(seed);
  Measured measured;
  while (Clock::now() < window.until) {
    const auto begun = Clock::now();
    const bool good = co_await operation(numbers);
    const auto ended = Clock::now();
    ++measured.total;
    if (ended < window.from || ended >= window.until) continue;
    good ? ++measured.operations : ++measured.failures;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(ended - begun).count();
    measured.latency.add(static_cast<std::uint64_t>(us));
  }
  co_return measured;
}

// Spreads the clients over the workers and adds up what they saw. The percentiles are those of one client: they are
// alike, and what is compared is the rate.
Measured measure(Runtime& runtime, const Operation& operation, std::size_t clients, double warmup_s, double seconds) {
  const auto duration = [](double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); };
  const auto from = Clock::now() + duration(warmup_s);
  const Window window{from, from + duration(seconds)};
  std::vector<Measured> all(clients);
  std::vector<std::jthread> waiting;
  for (std::size_t i = 0; i < clients; ++i) {
    waiting.emplace_back([&, i] { all[i] = runtime.block_on(customer(operation, window, i + 1), i % runtime.size()); });
  }
  std::this_thread::sleep_until(window.from);
  const auto cpu_from = cpu_now();
  std::this_thread::sleep_until(window.until);
  const auto cpu = cpu_now() - cpu_from;
  waiting.clear();
  Measured sum = all.front();
  for (std::size_t i = 1; i < clients; ++i) {
    sum.operations += all[i].operations;
    sum.failures += all[i].failures;
    sum.total += all[i].total;
  }
  if (sum.failures > 0) sum.reasons["refused"] = sum.failures;
  sum.seconds = seconds;
  sum.cpu_seconds = cpu;
  return sum;
}

pg::PoolOptions pool_of(const std::string& database) {
  return {.url = database_url(read_secret(), database),
          .name = database,
          .max_connections = static_cast<std::size_t>(settings::pool_size.get())};
}

Context context() { return Context("bench", "", Caller{}, Clock::now() + std::chrono::seconds(10)); }

struct Arguments {
  std::string file;
  std::size_t clients = 0;
  double warmup_s = 0;
  double seconds = 0;
};

Measured search_directly(Runtime& runtime, const Arguments& arguments) {
  const auto queries = lines_of(arguments.file);
  redis::Client redis(runtime, settings::redis_url.get());
  pg::Pool pool(runtime, pool_of("product_db"));
  catalog::Service catalog(runtime, pool, redis);
  search::Service search(catalog, redis);
  TaskGroup background(runtime.executor(0));
  search.start(background);
  const Operation operation = [&](Sequence& numbers) -> Task<bool> {
    return [](search::Api& api, std::string query) -> Task<bool> {
      search::SearchProducts request;
      request.q = json::Text<0, 500>(std::move(query));
      request.limit = json::Int<1, 100>(20);
      const auto results = co_await api.search(context(), std::move(request));
      co_return results.has_value();
    }(search, queries[numbers.below(queries.size())]);
  };
  for (bool ready = false; !ready; std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
    const auto state = runtime.block_on(search.state(context(), {}));
    ready = state && state->caught_up;
  }
  auto measured = measure(runtime, operation, arguments.clients, arguments.warmup_s, arguments.seconds);
  background.stop();
  runtime.block_on(background.drain());
  runtime.block_on(pool.close());
  runtime.block_on(redis.close());
  return measured;
}

Measured reserve_directly(Runtime& runtime, const Arguments& arguments) {
  std::vector<std::string> items;
  for (const auto& article : articles_of(arguments.file)) {
    items.push_back(article.variant_id.empty() ? article.product_id : article.variant_id);
  }
  pg::Pool pool(runtime, pool_of("inventory_db"));
  inventory::Service inventory(runtime, pool);
  const Operation operation = [&](Sequence& numbers) -> Task<bool> {
    return [](inventory::Api& api, std::string item) -> Task<bool> {
      inventory::Reserve request{.order_id = Uuid::v7(), .lines = {{.product_id = std::move(item)}}};
      const auto reserved = co_await api.reserve(context().as_service("bench"), std::move(request));
      co_return reserved.has_value();
    }(inventory, items[numbers.below(items.size())]);
  };
  auto measured = measure(runtime, operation, arguments.clients, arguments.warmup_s, arguments.seconds);
  runtime.block_on(pool.close());
  return measured;
}

int command(int count, char** values) {
  const std::string work = count == 6 ? values[1] : "";
  if (work != "search" && work != "reserve") {
    fmt::print(stderr, "usage: souk_direct search|reserve FILE CLIENTS WARMUP_S SECONDS\n");
    return 2;
  }
  const auto problems = load_settings(environ, {"SOUK_SHARED", "SOUK_SHARED_DATA"});
  for (const auto& problem : problems) fmt::print(stderr, "souk_direct: {}\n", problem);
  if (!problems.empty()) return 1;
  const Arguments arguments{.file = values[2],
                            .clients = std::stoul(values[3]),
                            .warmup_s = std::stod(values[4]),
                            .seconds = std::stod(values[5])};
  Runtime runtime(std::max(1U, std::thread::hardware_concurrency()));
  const auto measured = work == "search" ? search_directly(runtime, arguments) : reserve_directly(runtime, arguments);
  fmt::print("{}\n", measured.to_json());
  return 0;
}

}  // namespace
}  // namespace souk::load

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return souk::load::command(count, values);
  } catch (const std::exception& e) {
    fmt::print(stderr, "souk_direct: {}\n", e.what());
    return 1;
  }
}
