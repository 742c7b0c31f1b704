#pragma once

#include <fmt/format.h>

#include <array>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "dice.hpp"
#include "participants.hpp"

namespace souk::order::simulation {

// An order and its two sagas, as order_db has them.
struct Row {
  Means means{};
  int pieces = 1;
  bool coupon = false;  // it has a use of the coupon

  bool begun = false;  // the intent is written
  saga::Phase phase = saga::Phase::running;
  int version = 1;
  Ms created = 0;
  Ms lease_until = 0;
  Ms check_at = 0;

  bool undoing = false;  // it is written that there will be no order

  // A call that was repeated on its way made a hold after its refusal was heard. Nobody knows of it, and it lapses.
  bool unheard_hold = false;

  bool written = false;    // there is an order
  bool cancelled = false;  // and it was cancelled
  bool returned = false;   // and all is given back
  int undo_version = 0;
  Ms undo_created = 0;
  Ms undo_lease_until = 0;
  Ms undo_check_at = 0;

  bool told_order = false;  // the customer was
  bool told_refusal = false;

  bool over() const { return phase == saga::Phase::completed || phase == saga::Phase::compensated; }
};

// What happened in schedules, so that a test can tell that the adversary reached everything.
struct Tally {
  std::array<std::int64_t, 32> actions{};  // by saga::Action
  std::array<std::int64_t, 16> undone{};   // by saga::UndoAction
  std::int64_t confirmed = 0, refused = 0, cancelled = 0;
  std::int64_t kills = 0, stalls = 0, overtaken = 0, lost = 0, repeated = 0, late = 0, lapsed = 0;

  void add(const Tally& other);
};

// One schedule: its clock, its chance, everybody in it, and what was seen of them.
class World {
 public:
  World(std::uint64_t seed, bool traced);

  // Does `work` after so much time.
  void after(Ms time, std::function<void()> work);
  // Does all that was planned in its order, until nothing is left or the clock is past `end`.
  void run(Ms end);

  template <class... Values>
  void note(fmt::format_string<Values...> format, Values&&... values) {
    if (traced) trace.push_back(at() + fmt::format(format, std::forward<Values>(values)...));
  }
  // A promise that was broken.
  template <class... Values>
  void broken(fmt::format_string<Values...> format, Values&&... values) {
    violations.push_back(fmt::format(format, std::forward<Values>(values)...));
    note("BROKEN: {}", violations.back());
  }

  // The adversary's part in a call, and in a call to the gateway.
  bool chance(int percent) { return !calm && dice.chance(percent); }
  Ms delay();
  Fate fate();

  bool traced;
  Dice dice;
  Ms now = 0;
  bool calm = false;  // the adversary has left
  Warehouse warehouse;
  Gateway gateway;
  Payments payments;
  std::vector<Row> rows;
  int coupon_uses = 0;
  int coupon_limit = 0;
  Tally tally;
  std::vector<std::string> trace;
  std::vector<std::string> violations;

 private:
  struct Planned {
    Ms at;
    std::uint64_t number;
    std::function<void()> work;
    bool operator<(const Planned& other) const { return at != other.at ? at > other.at : number > other.number; }
  };

  std::string at() const;

  std::priority_queue<Planned> planned_;
  std::uint64_t numbers_ = 0;
};

}  // namespace souk::order::simulation
