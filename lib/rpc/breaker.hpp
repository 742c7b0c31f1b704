#pragma once

#include <mutex>

#include "core/task.hpp"

namespace souk::rpc {

// The circuit breaker of one peer. After some failures in a row it is open: calls are refused at once, so that nobody
// waits for a peer that is gone. After a pause one call is let through to try; it closes the breaker or opens it for
// twice as long. Knows no clock: the caller says what time it is. Any thread.
class Breaker {
 public:
  struct Options {
    int failures = 5;  // in a row
    Duration first_pause = std::chrono::milliseconds(250);
    Duration longest_pause = std::chrono::seconds(5);
  };

  Breaker() : Breaker(Options()) {}
  explicit Breaker(Options options) : options_(options), pause_(options.first_pause) {}

  // Whether a call may be made now. Who got a yes says succeeded() or failed() afterwards; who never does gives the
  // next one its turn after the pause.
  bool enter(Deadline now);
  void succeeded();
  void failed(Deadline now);
  bool is_open() const;

 private:
  const Options options_;
  mutable std::mutex mutex_;
  int failures_ = 0;
  bool open_ = false;
  bool trying_ = false;  // one call was let through and has not come back
  Deadline try_at_{};    // when open: the next call that is let through
  Duration pause_;
};

}  // namespace souk::rpc
