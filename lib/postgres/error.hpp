#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "core/failure.hpp"

namespace souk::pg {

// The server refused a statement.
class Error : public std::runtime_error {
 public:
  Error(std::string sqlstate, std::string constraint, std::string message)
      : std::runtime_error(message + " [" + sqlstate + "]"),
        sqlstate_(std::move(sqlstate)),
        constraint_(std::move(constraint)) {}

  const std::string& sqlstate() const { return sqlstate_; }
  // Name of the violated constraint or unique index; empty for other errors.
  const std::string& constraint() const { return constraint_; }
  bool is_unique_violation() const { return sqlstate_ == "23505"; }
  bool is_unique_violation(std::string_view constraint) const {
    return is_unique_violation() && constraint_ == constraint;
  }
  // Serialization failure or deadlock: running the transaction again may work.
  bool is_transient() const { return sqlstate_ == "40001" || sqlstate_ == "40P01"; }

 private:
  std::string sqlstate_;
  std::string constraint_;
};

// The database cannot be used now (no connection, pool or deadline exhausted). Nothing was changed.
struct Unavailable : souk::Unavailable {
  using souk::Unavailable::Unavailable;
};

// The connection was lost after a COMMIT or an autocommitted write was sent: it happened or it did not. Look the
// result up by its key; never run it again blindly.
struct UnknownOutcome : souk::UnknownOutcome {
  using souk::UnknownOutcome::UnknownOutcome;
};

}  // namespace souk::pg
