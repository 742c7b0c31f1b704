#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "shopping.hpp"

namespace souk::load {

// The databases of the comparison: the spec's own tables, apart from Souk's.
enum class Database { inventory, payment, order };

// The least SQL that a checkout can be on the spec's tables, statement by statement as pgbench would send it: prepared,
// one round trip each, three commits in order. Each customer has a connection to each database.
class PostgresBuyer final : public Client {
 public:
  enum class Work { checkout, reservation };  // all of it, or its first transaction alone

  struct Options {
    std::string server;  // libpq conninfo without a database
    std::string prefix;  // of the databases' names: <prefix>inventory, <prefix>payment, <prefix>order
    Work work = Work::checkout;
    std::vector<std::string> products;
  };

  PostgresBuyer(std::shared_ptr<const Options> options, std::uint64_t seed, std::string run);

  void connect() override;
  std::vector<int> descriptors() const override;
  Progress begin() override;
  Progress go_on() override;
  std::string failure() const override { return failure_; }

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  using Connection = std::unique_ptr<PGconn, Close>;

  PGconn* current() const;
  Progress send();
  Progress fail(std::string reason);

  std::shared_ptr<const Options> options_;
  Sequence numbers_;
  std::string name_;
  std::array<Connection, 3> connections_;
  std::size_t step_ = 0;
  std::string product_;
  std::string order_id_;
  std::string number_;
  std::string inventory_id_;
  std::uint64_t bought_ = 0;
  std::string failure_;
};

}  // namespace souk::load
