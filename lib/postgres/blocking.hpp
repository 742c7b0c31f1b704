#pragma once

#include <memory>
#include <string>
#include <vector>

#include "postgres/error.hpp"
#include "postgres/rows.hpp"

struct pg_conn;

namespace souk::pg {

// A blocking connection, for `souk migrate`, commands and tests; never on a worker thread.
class BlockingConnection {
 public:
  // Throws Unavailable.
  explicit BlockingConnection(const std::string& url);

  // One or more statements without parameters; the last one's rows. Throws Error or Unavailable.
  Rows run(const std::string& sql);
  // One statement with parameters in the text format.
  Rows run(const std::string& sql, const std::vector<std::string>& parameters);

  // Streams what `out` ("COPY … TO STDOUT") gives into `target` by `in` ("COPY … FROM STDIN"); only a part of it is in
  // memory. Throws Error or Unavailable.
  void copy(const std::string& out, BlockingConnection& target, const std::string& in);

  std::string quoted_name(const std::string& name) const;
  std::string quoted_text(const std::string& text) const;
  // What ALTER ROLE … PASSWORD takes instead of the password, so that no log shows it.
  std::string scram_verifier(const std::string& role, const std::string& password) const;
  bool in_transaction() const;

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  Rows checked(pg_result* result);
  void expect(const std::string& sql, int status);
  void finish_copy();

  std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace souk::pg
