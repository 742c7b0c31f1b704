#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/context.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "notification/api.hpp"

namespace souk::notification {

// An e-mail as it is handed over.
struct Message {
  Uuid id;
  std::string message_id;  // without < >
  std::string recipient;
  std::string subject;
  std::string text;
  std::string html;
  Timestamp created_at;
};

// What became of it.
struct Delivery {
  using Outcome = notification::Outcome;
  // try_again: the receiver cannot be reached, or says that it is busy; refused: it says never.
  Outcome outcome = Outcome::taken;
  std::optional<int> status{};  // what the receiver answered with: a code of SMTP or HTTP
  std::string why{};            // what it said, or why there is no answer
};

// How many mails are on their way at the same time.
inline constexpr std::size_t mails_at_once = 4;

// What takes mails out of the house.
class Transport {
 public:
  virtual ~Transport() = default;
  // "file", "smtp": stored with what it has taken.
  virtual std::string name() const = 0;
  // May be called again for a message that was taken: it has the same message_id. An exception is as `try_again`.
  virtual Task<Delivery> send(Context context, Message message) = 0;
  // The program stops: ends what is under way soon, with `try_again`. Nothing is sent after it.
  virtual void interrupt() {}
};

}  // namespace souk::notification
