// souk_load: customers of a shop, as many as are asked for, in one thread; see ../README.md.
#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>

#include "http_client.hpp"
#include "loop.hpp"
#include "postgres_client.hpp"
#include "shopping.hpp"

namespace souk::load {
namespace {

constexpr const char* usage =
    "usage: souk_load WORK OPTIONS\n"
    "  get           GET of the paths in --paths\n"
    "  add           items of --articles into carts\n"
    "  checkout      a guest buys one of --articles: cart, item, checkout\n"
    "  sql-checkout  the least SQL of a checkout of --articles, in the databases <--prefix>{inventory,payment,order}\n"
    "  sql-reserve   the first transaction of it\n"
    "  --target HOST:PORT | --server CONNINFO   --clients 32   --warmup 1   --seconds 5\n"
    "  --rate R      open loop: R operations a second, whether or not the earlier ones have ended\n"
    "  --run NAME    tells the keys of this run from those of another\n";

using Options = std::map<std::string, std::string>;

Options parse(int count, char** values) {
  Options options{{"clients", "32"}, {"warmup", "1"}, {"seconds", "5"}, {"rate", "0"}, {"run", "run"}};
  for (int i = 2; i < count; i += 2) {
    const std::string name = values[i];
    if (!name.starts_with("--") || i + 1 == count) throw std::invalid_argument("what is " + name + "?");
    options[name.substr(2)] = values[i + 1];
  }
  return options;
}

const std::string& wanted(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  if (found == options.end()) throw std::invalid_argument("--" + name + " is missing");
  return found->second;
}

double number(const Options& options, const std::string& name, double least) {
  const auto& text = wanted(options, name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least) {
    throw std::invalid_argument(fmt::format("--{} is {}: it must be a number from {}", name, text, least));
  }
  return value;
}

using MakeClient = std::function<std::unique_ptr<Client>(std::uint64_t seed)>;

MakeClient http_clients(const Options& options, std::function<std::unique_ptr<Conversation>(std::uint64_t)> talk) {
  const auto& target = wanted(options, "target");
  const auto colon = target.rfind(':');
  std::uint16_t port = 0;
  if (colon != target.npos) std::from_chars(target.data() + colon + 1, target.data() + target.size(), port);
  if (port == 0) throw std::invalid_argument("--target must be HOST:PORT");
  return [host = target.substr(0, colon), port, talk = std::move(talk)](std::uint64_t seed) {
    return std::make_unique<HttpClient>(host, port, talk(seed));
  };
}

MakeClient sql_clients(const Options& options, PostgresBuyer::Work work) {
  PostgresBuyer::Options made{.server = wanted(options, "server"), .prefix = wanted(options, "prefix"), .work = work};
  for (const auto& article : articles_of(wanted(options, "articles"))) {
    made.products.push_back(article.variant_id.empty() ? article.product_id : article.variant_id);
  }
  return [shared = std::make_shared<const PostgresBuyer::Options>(std::move(made)), run = wanted(options, "run")](
             std::uint64_t seed) { return std::make_unique<PostgresBuyer>(shared, seed, run); };
}

MakeClient clients_for(const std::string& work, const Options& options) {
  if (work == "get") {
    return http_clients(
        options, [paths = lines_of(wanted(options, "paths"))](std::uint64_t seed) { return reading(paths, seed); });
  }
  if (work == "sql-checkout") return sql_clients(options, PostgresBuyer::Work::checkout);
  if (work == "sql-reserve") return sql_clients(options, PostgresBuyer::Work::reservation);
  if (work != "add" && work != "checkout") throw std::invalid_argument("what is " + work + "?");
  const auto articles = articles_of(wanted(options, "articles"));
  if (work == "add") {
    return http_clients(options, [articles](std::uint64_t seed) { return adding(articles, seed); });
  }
  return http_clients(
      options, [articles, run = wanted(options, "run")](std::uint64_t seed) { return buying(articles, seed, run); });
}

int command(int count, char** values) {
  if (count < 2) throw std::invalid_argument("the work is missing");
  const auto options = parse(count, values);
  const Plan plan{.warmup_s = number(options, "warmup", 0),
                  .seconds = number(options, "seconds", 0.1),
                  .rate = number(options, "rate", 0)};
  const auto make = clients_for(values[1], options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < static_cast<int>(number(options, "clients", 1)); ++i) {
    clients.push_back(make(static_cast<std::uint64_t>(i) + 1));
  }
  fmt::print("{}\n", load::run(clients, plan).to_json());
  return 0;
}

}  // namespace
}  // namespace souk::load

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return souk::load::command(count, values);
  } catch (const std::invalid_argument& e) {
    fmt::print(stderr, "souk_load: {}\n{}", e.what(), souk::load::usage);
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "souk_load: {}\n", e.what());
    return 1;
  }
}
