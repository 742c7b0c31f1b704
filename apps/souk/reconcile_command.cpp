#include "reconcile_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace souk {
namespace {

constexpr auto longest_span = std::chrono::hours(24 * 31);
constexpr auto usual_span = std::chrono::hours(48);
constexpr Duration run_limit = std::chrono::hours(1);

// What --json prints.
struct Report {
  Timestamp since;
  Timestamp until;
  bool dry_run = false;
  std::int64_t payments = 0;
  std::int64_t refunds = 0;
  std::int64_t repaired = 0;
  std::int64_t remaining = 0;
  std::vector<payment::Difference> differences;
  std::vector<order::OrphanedCapture> orphaned;
  std::vector<std::string> not_listed;
};
BOOST_DESCRIBE_STRUCT(Report, (),
                      (since, until, dry_run, payments, refunds, repaired, remaining, differences, orphaned,
                       not_listed))

std::optional<std::chrono::seconds> parse_span(const std::string& text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  // The longest span in minutes has five digits: what is longer cannot be meant, and must not overflow.
  if (error != std::errc{} || end + 1 != text.data() + text.size() || count < 1 || count > 99'999) return std::nullopt;
  if (*end == 'm') return std::chrono::minutes(count);
  if (*end == 'h') return std::chrono::hours(count);
  if (*end == 'd') return std::chrono::days(count);
  return std::nullopt;
}

std::optional<Timestamp> parse_since(const std::string& text, Timestamp now) {
  const auto span = parse_span(text);
  const auto since = span ? std::optional(now - *span) : parse_timestamp(text);
  if (!since || *since > now || *since < now - longest_span) return std::nullopt;
  return since;
}

using Row = std::array<std::string, 6>;

std::string or_dash(const std::optional<std::string>& text) { return text.value_or("-"); }

Row row_of(const payment::Difference& difference) {
  return {std::string(json::enum_name(difference.kind)),
          difference.order_id ? difference.order_id->to_string() : "-",
          or_dash(difference.number ? difference.number : difference.gateway_id),
          or_dash(difference.ours),
          or_dash(difference.theirs),
          std::string(json::enum_name(difference.state))};
}

Row row_of(const order::OrphanedCapture& orphan) {
  return {"captured_without_order",
          orphan.order_id.to_string(),
          orphan.payment_number,
          orphan.order_status ? "order " + std::string(json::enum_name(*orphan.order_status)) : "no order",
          fmt::format("{} {}", orphan.left.to_string(), orphan.currency),
          std::string(json::enum_name(orphan.state))};
}

void print_table(const Report& report) {
  std::vector<std::pair<Row, std::string>> rows{
      {{"DIFFERENCE", "ORDER", "PAYMENT OR REFUND", "OURS", "THE GATEWAY'S", "STATE"}, ""}};
  for (const auto& one : report.differences) rows.emplace_back(row_of(one), one.gateway + ": " + one.advice);
  for (const auto& one : report.orphaned) rows.emplace_back(row_of(one), one.advice);
  if (rows.size() > 1) {
    std::string line;
    std::array<std::size_t, std::tuple_size_v<Row>> widths{};
    for (const auto& [row, advice] : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& [row, advice] : rows) {
      line.clear();
      for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:{}}  ", row[i], widths[i]);
      fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
      if (!advice.empty()) fmt::print("    {}\n", advice);
    }
    fmt::print("\n");
  }
  const auto told = static_cast<std::int64_t>(rows.size()) - 1;
  if (report.repaired + report.remaining > told) {
    fmt::print("{} more are not shown; run it again.\n", report.repaired + report.remaining - told);
  }
  for (const auto& name : report.not_listed) fmt::print("{} does not list its books: not compared.\n", name);
  fmt::print("{} payments and {} refunds since {} compared: {} repaired, {} {}.\n", report.payments, report.refunds,
             to_rfc3339(std::chrono::floor<std::chrono::seconds>(report.since)), report.repaired, report.remaining,
             report.remaining == 1 ? "remains" : "remain");
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  return *std::move(result);
}

// The payments first: what they find may be money without an order.
Report compare(Runtime& runtime, payment::Api& payments, order::Api& orders, const ReconcileArguments& arguments) {
  const auto context = Context::background("reconcile", run_limit);
  const bool repair = !arguments.dry_run;
  auto books = value_of(runtime.block_on(payments.reconcile(context, {.since = arguments.since, .repair = repair})));
  auto captures =
      value_of(runtime.block_on(orders.check_captures(context, {.since = arguments.since, .repair = repair})));
  return {.since = books.since,
          .until = books.until,
          .dry_run = arguments.dry_run,
          .payments = books.payments,
          .refunds = books.refunds,
          .repaired = books.repaired + captures.repaired,
          .remaining = books.remaining + captures.remaining,
          .differences = std::move(books.differences),
          .orphaned = std::move(captures.orphaned),
          .not_listed = std::move(books.not_listed)};
}

}  // namespace

std::optional<ReconcileArguments> ReconcileArguments::parse(const std::vector<std::string>& arguments, Timestamp now) {
  ReconcileArguments parsed{.since = now - usual_span};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--dry-run") {
      parsed.dry_run = true;
    } else if (arguments[i] == "--json") {
      parsed.json = true;
    } else if (arguments[i] == "--since" && i + 1 < arguments.size()) {
      const auto since = parse_since(arguments[++i], now);
      if (!since) return std::nullopt;
      parsed.since = *since;
    } else {
      return std::nullopt;
    }
  }
  return parsed;
}

int run_reconcile(Runtime& runtime, payment::Api& payments, order::Api& orders,
                  const std::vector<std::string>& arguments) {
  const auto parsed = ReconcileArguments::parse(arguments, now());
  if (!parsed) {
    fmt::print(stderr,
               "usage: souk reconcile [--since 90m|48h|7d|2026-03-01T12:00:00Z] [--dry-run] [--json]\n"
               "       (--since: at most 31 days ago; without it 48h)\n");
    return 2;
  }
  const auto report = compare(runtime, payments, orders, *parsed);
  if (parsed->json) {
    fmt::print("{}\n", json::write(report));
  } else {
    print_table(report);
  }
  return report.remaining == 0 ? 0 : 1;
}

}  // namespace souk
