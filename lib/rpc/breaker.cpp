#include "rpc/breaker.hpp"

#include <algorithm>

namespace souk::rpc {

bool Breaker::enter(Deadline now) {
  const std::lock_guard lock(mutex_);
  if (!open_) return true;
  if (now < try_at_) return false;
  trying_ = true;
  try_at_ = now + pause_;
  return true;
}

void Breaker::succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  open_ = false;
  trying_ = false;
  pause_ = options_.first_pause;
}

void Breaker::failed(Deadline now) {
  const std::lock_guard lock(mutex_);
  if (open_) {
    // Calls that were under way when it opened say nothing new.
    if (!trying_) return;
    pause_ = std::min(pause_ * 2, options_.longest_pause);
  } else if (++failures_ < options_.failures) {
    return;
  }
  open_ = true;
  trying_ = false;
  try_at_ = now + pause_;
}

bool Breaker::is_open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace souk::rpc
