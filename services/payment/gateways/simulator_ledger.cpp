#include <fmt/format.h>

#include <algorithm>

#include "currency.hpp"
#include "simulator.hpp"

// The simulator's books, as a merchant may list them.
namespace souk::payment {
namespace {

using pg::Statement;

constexpr std::int64_t page_size = 100;

// The ids are made in the order of time, so the primary key serves for a range of it.
constexpr Statement list_payments_statement{
    "simulator.list_payments",
    "SELECT id, key, amount, currency, status, failure_reason, method, created_at FROM simulator.payments "
    "WHERE id > $1 AND id < $2 AND currency <> '' ORDER BY id LIMIT $3"};
constexpr Statement list_refunds_statement{
    "simulator.list_refunds",
    "SELECT r.id, r.key, p.key, r.amount, p.currency, r.status, r.failure_reason, r.created_at "
    "FROM simulator.refunds AS r JOIN simulator.payments AS p ON p.id = r.payment_id "
    "WHERE r.id > $1 AND r.id < $2 ORDER BY r.id LIMIT $3"};

// Comes before every id that is made at this moment or later, and after all earlier ones.
std::string first_id(std::string_view prefix, Timestamp time) {
  const auto count = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
  return fmt::format("{}{:08x}-{:04x}-0", prefix, milliseconds >> 16, milliseconds & 0xffff);
}

struct Line {
  std::string id;
  GatewayState status{};
  std::int64_t amount = 0;
  std::string currency;
  std::optional<std::string> failure_reason;
};
BOOST_DESCRIBE_STRUCT(Line, (), (id, status, amount, currency, failure_reason))

GatewayPaymentRecord read_payment(const pg::Row& row) {
  const Line line{row.get<std::string>(0), row.get<GatewayState>(4), row.get<std::int64_t>(2), row.get<std::string>(3),
                  row.get<std::optional<std::string>>(5)};
  return {.key = row.get<std::string>(1),
          .method = row.get<Method>(6),
          .created_at = row.get<Timestamp>(7),
          .payment = {.id = line.id,
                      .state = line.status,
                      .amount = from_units(line.amount, line.currency),
                      .currency = line.currency,
                      .next_action = std::nullopt,
                      .failure_reason = line.failure_reason,
                      .response = {json::write(line)}}};
}

GatewayRefundRecord read_refund(const pg::Row& row) {
  auto currency = row.get<std::string>(4);
  return {.key = row.get<std::string>(1),
          .payment_key = row.get<std::string>(2),
          .amount = from_units(row.get<std::int64_t>(3), currency),
          .currency = std::move(currency),
          .created_at = row.get<Timestamp>(7),
          .refund = {.id = row.get<std::string>(0),
                     .state = row.get<GatewayRefundState>(5),
                     .failure_reason = row.get<std::optional<std::string>>(6),
                     .response = {}}};
}

template <class Record>
GatewayPage<Record> page_of(const pg::Rows& rows, Record (*read)(const pg::Row&)) {
  GatewayPage<Record> page;
  for (const pg::Row row : rows) page.records.push_back(read(row));
  if (std::ssize(page.records) == page_size) page.next = rows[rows.size() - 1].get<std::string>(0);
  return page;
}

}  // namespace

Task<GatewayPage<GatewayPaymentRecord>> Simulator::list_payments(Context context, GatewayRange range) {
  const auto from = range.cursor.empty() ? first_id("sim_", range.from) : range.cursor;
  co_return page_of(co_await pool_.query(std::move(context), list_payments_statement, from,
                                         first_id("sim_", range.before), page_size),
                    &read_payment);
}

Task<GatewayPage<GatewayRefundRecord>> Simulator::list_refunds(Context context, GatewayRange range) {
  const auto from = range.cursor.empty() ? first_id("simre_", range.from) : range.cursor;
  co_return page_of(co_await pool_.query(std::move(context), list_refunds_statement, from,
                                         first_id("simre_", range.before), page_size),
                    &read_refund);
}

}  // namespace souk::payment
