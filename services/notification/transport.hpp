#pragma once

#include <string>

#include "core/context.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"

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
  enum class Outcome {
    taken,
    try_again,  // the receiver cannot be reached, or says that it is busy
    refused     // the receiver says never
  };
  Outcome outcome = Outcome::taken;
  std::string why{};
};

// What takes mails out of the house.
class Transport {
 public:
  virtual ~Transport() = default;
  // "file", "smtp": stored with what it has taken.
  virtual std::string name() const = 0;
  // May be called again for a message that was taken: it has the same message_id. An exception is as `try_again`.
  virtual Task<Delivery> send(Context context, Message message) = 0;
};

}  // namespace souk::notification
