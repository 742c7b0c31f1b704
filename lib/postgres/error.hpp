#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "core/failure.hpp"

namespace souk::pg {

// The server refused a statement for what it says; nothing of it, or of its transaction, happened.
class Error : public std::runtime_error {
 public:
  Error(std::string sqlstate, std::string constraint, std::string message)
      : std::runtime_error(message + " [" + sqlstate + "]"),
        sqlstate_(std::move(sqlstate)),
        constraint_(std::move(constraint)),
        message_(std::move(message)) {}

  const std::string& sqlstate() const { return sqlstate_; }
  // Name of the violated constraint or unique index; empty for other errors.
  const std::string& constraint() const { return constraint_; }
  const std::string& message() const { return message_; }  // without the SQLSTATE
  bool is_unique_violation() const { return sqlstate_ == "23505"; }
  bool is_unique_violation(std::string_view constraint) const {
    return is_unique_violation() && constraint_ == constraint;
  }
  // Serialization failure or deadlock: running the transaction again may work.
  bool is_transient() const { return sqlstate_ == "40001" || sqlstate_ == "40P01"; }

 private:
  std::string sqlstate_;
  std::string constraint_;
  std::string message_;
};

// The database cannot be used now (no connection, pool or deadline exhausted). Nothing was changed.
struct Unavailable : souk::Unavailable {
  using souk::Unavailable::Unavailable;
};

// The server gave a statement up for want of time or room: lock_timeout (55P03), statement_timeout (57014), memory,
// disk (class 53), or because it takes no writes (25006). The transaction around it is lost.
class ServerBusy : public Unavailable {
 public:
  ServerBusy(std::string sqlstate, const std::string& message)
      : Unavailable(message + " [" + sqlstate + "]"), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const { return sqlstate_; }
  bool is_lock_timeout() const { return sqlstate_ == "55P03"; }

 private:
  std::string sqlstate_;
};

// The connection was lost after a COMMIT or an autocommitted write was sent: it happened or it did not. Look the
// result up by its key; never run it again blindly.
struct UnknownOutcome : souk::UnknownOutcome {
  using souk::UnknownOutcome::UnknownOutcome;
};

}  // namespace souk::pg
