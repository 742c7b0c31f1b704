#include "postgres_client.hpp"

#include <fmt/format.h>

#include <span>
#include <stdexcept>

namespace souk::load {
namespace {

// What a statement's $1, $2, … are.
enum class Value { product, order, number, inventory };

struct Statement {
  Database database;
  const char* sql;
  std::vector<Value> values;
};

const std::vector<Statement>& checkout() {
  static const std::vector<Statement> statements{
      {Database::inventory, "BEGIN", {}},
      {Database::inventory,
       "UPDATE inventory SET reserved_quantity = reserved_quantity + 1, updated_at = now() "
       "WHERE product_id = $1 AND quantity - reserved_quantity >= 1 RETURNING id",
       {Value::product}},
      {Database::inventory,
       "INSERT INTO stock_reservations (inventory_id, order_id, quantity, expires_at) "
       "VALUES ($1, $2, 1, now() + interval '15 minutes')",
       {Value::inventory, Value::order}},
      {Database::inventory, "COMMIT", {}},
      {Database::payment,
       "INSERT INTO payments (payment_number, order_id, user_id, amount, status, payment_method, payment_gateway, "
       "gateway_payment_id, succeeded_at) "
       "VALUES ($1, $2, gen_random_uuid(), 42.98, 'succeeded', 'card', 'stripe', $1, now())",
       {Value::number, Value::order}},
      {Database::order, "BEGIN", {}},
      {Database::order,
       "INSERT INTO orders (id, order_number, user_id, status, subtotal, tax, shipping_cost, total, payment_method, "
       "payment_status, shipping_address_id, billing_address_id, confirmed_at) "
       "VALUES ($1, $2, gen_random_uuid(), 'confirmed', 35.00, 2.99, 4.99, 42.98, 'card', 'paid', gen_random_uuid(), "
       "gen_random_uuid(), now())",
       {Value::order, Value::number}},
      {Database::order,
       "INSERT INTO order_items (order_id, product_id, product_name, product_sku, quantity, unit_price, total_price) "
       "VALUES ($1, $2, 'A product of the comparison', 'SKU-OF-THE-COMPARISON', 1, 35.00, 35.00)",
       {Value::order, Value::product}},
      {Database::order,
       "INSERT INTO order_status_history (order_id, status, created_by) VALUES ($1, 'confirmed', 'guest')",
       {Value::order}},
      {Database::order,
       "INSERT INTO order_addresses (order_id, address_type, full_name, phone, address_line1, city, state, "
       "postal_code, country) VALUES "
       "($1, 'shipping', 'Ada Lovelace', '+14155550100', '1 Market Street', 'San Francisco', 'CA', '94105', 'US'), "
       "($1, 'billing', 'Ada Lovelace', '+14155550100', '1 Market Street', 'San Francisco', 'CA', '94105', 'US')",
       {Value::order}},
      {Database::order, "COMMIT", {}},
  };
  return statements;
}

constexpr std::size_t statements_of_a_reservation = 4;
constexpr std::size_t reserves = 1;  // the statement that gives the item's id

std::string name_of(std::size_t step) { return "s" + std::to_string(step); }

std::string first_line(std::string_view message) { return std::string(message.substr(0, message.find('\n'))); }

const char* name_of(Database database) {
  switch (database) {
    case Database::inventory: return "inventory";
    case Database::payment: return "payment";
    case Database::order: return "order";
  }
  std::unreachable();
}

}  // namespace

PostgresBuyer::PostgresBuyer(std::shared_ptr<const Options> options, std::uint64_t seed, std::string run)
    : options_(std::move(options)),
      numbers_(std::hash<std::string>()(run) + seed),
      name_(fmt::format("{}-{}", run, seed)) {}

void PostgresBuyer::connect() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    const auto database = static_cast<Database>(i);
    if (options_->work == Work::reservation && database != Database::inventory) continue;
    const auto info = fmt::format("{} dbname={}{}", options_->server, options_->prefix, name_of(database));
    auto& connection = connections_[i];
    connection.reset(PQconnectdb(info.c_str()));
    if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
    for (std::size_t step = 0; step < checkout().size(); ++step) {
      if (checkout()[step].database != database) continue;
      const auto sql = checkout()[step].sql;
      const std::unique_ptr<PGresult, decltype(&PQclear)> made(
          PQprepare(connection.get(), name_of(step).c_str(), sql, 0, nullptr), &PQclear);
      if (PQresultStatus(made.get()) != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    PQsetnonblocking(connection.get(), 1);
  }
}

std::vector<int> PostgresBuyer::descriptors() const {
  std::vector<int> all;
  for (const auto& connection : connections_) {
    if (connection) all.push_back(PQsocket(connection.get()));
  }
  return all;
}

PGconn* PostgresBuyer::current() const {
  return connections_[static_cast<std::size_t>(checkout()[step_].database)].get();
}

Progress PostgresBuyer::begin() {
  step_ = 0;
  product_ = options_->products[numbers_.below(options_->products.size())];
  number_ = fmt::format("{}-{}", name_, ++bought_);
  // A random UUID, as the tables' own default makes them.
  const auto word = [this] { return static_cast<std::uint64_t>(numbers_.below(1U << 31U)); };
  order_id_ = fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:06x}{:06x}", word(), word() & 0xFFFF, word() & 0xFFF,
                          word() & 0xFFF, bought_ & 0xFFFFFF, word() & 0xFFFFFF);
  return send();
}

Progress PostgresBuyer::send() {
  const auto& statement = checkout()[step_];
  std::vector<std::string> texts;
  for (const auto value : statement.values) {
    switch (value) {
      case Value::product: texts.push_back(product_); break;
      case Value::order: texts.push_back(order_id_); break;
      case Value::number: texts.push_back(number_); break;
      case Value::inventory: texts.push_back(inventory_id_); break;
    }
  }
  std::vector<const char*> values;
  for (const auto& text : texts) values.push_back(text.c_str());
  const int count = static_cast<int>(values.size());
  if (PQsendQueryPrepared(current(), name_of(step_).c_str(), count, values.data(), nullptr, nullptr, 0) != 1) {
    return fail(PQerrorMessage(current()));
  }
  return PQflush(current()) < 0 ? fail(PQerrorMessage(current())) : Progress::waiting;
}

Progress PostgresBuyer::go_on() {
  auto* connection = current();
  if (PQconsumeInput(connection) != 1) return fail(PQerrorMessage(connection));
  if (PQisBusy(connection) == 1) return Progress::waiting;
  while (auto* result = PQgetResult(connection)) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> owner(result, &PQclear);
    const auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return fail(first_line(PQresultErrorMessage(result)));
    if (step_ == reserves) {
      if (PQntuples(result) != 1) return fail("nothing is left");
      inventory_id_ = PQgetvalue(result, 0, 0);
    }
    if (PQisBusy(connection) == 1) return Progress::waiting;
  }
  ++step_;
  const auto last = options_->work == Work::reservation ? statements_of_a_reservation : checkout().size();
  return step_ == last ? Progress::done : send();
}

Progress PostgresBuyer::fail(std::string reason) {
  failure_ = std::move(reason);
  return Progress::failed;
}

}  // namespace souk::load
