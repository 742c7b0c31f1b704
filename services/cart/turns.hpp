#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "core/task.hpp"

namespace souk::cart {

// Lets the writers of one cart that are on the same worker go one after another, in the order in which they came. It is
// no lock: it only saves them from writing against each other, which Redis would refuse to all but one each time.
class Turns {
 public:
  explicit Turns(std::size_t workers);

  // Held until it is destroyed, on the worker where it was taken.
  class Turn {
   public:
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    friend class Turns;
    struct Waiting;
    struct State;
    Turn(std::shared_ptr<State> state, std::size_t worker, std::string name);

    std::shared_ptr<State> state_;
    std::size_t worker_;
    std::string name_;
  };

  // Nothing when it does not come before the deadline, or too many wait.
  Task<std::optional<Turn>> take(std::string name, Deadline deadline);

 private:
  std::shared_ptr<Turn::State> state_;
};

}  // namespace souk::cart
