#pragma once

#include <cstdint>
#include <map>

#include "services/order/saga.hpp"

// What the saga talks to, told in the fewest words from their api.hpp and from nothing else: the judge of the saga, so
// it shares no code with the services. Orders are numbered from 0, times are milliseconds of the virtual clock.
namespace souk::order::simulation {

using Ms = std::int64_t;
using saga::What;

inline constexpr Ms second = 1'000;
inline constexpr Ms minute = 60 * second;

// The stock of one product, and what the orders hold of it.
class Warehouse {
 public:
  enum class Hold { none, active, lapsed, released, sold, returned };

  explicit Warehouse(int pieces) : pieces_(pieces), stocked_(pieces) {}

  What reserve(int order, int pieces, Ms now);
  What extend(int order, Ms now);
  What complete(int order);
  What release(int order);
  // Puts what was sold back, once.
  void take_back(int order);
  // Lets holds lapse whose time is over; and one before its time, as if nobody had extended it for long.
  void sweep(Ms now);
  void lapse(int order);

  // Somebody else buys, or the merchant puts something on the shelf.
  bool take(int pieces);
  void restock(int pieces);

  int pieces() const { return pieces_; }
  int reserved() const;
  int free() const { return pieces_ - reserved(); }
  int stocked() const { return stocked_; }  // ever
  int taken() const { return taken_; }      // by somebody else
  Hold hold(int order) const;
  int held(int order) const;  // pieces that an order holds or has bought
  int sales(int order) const;
  int returns(int order) const;

 private:
  struct Entry {
    Hold hold = Hold::none;
    int pieces = 0;
    Ms until = 0;
    int sales = 0;
    int returns = 0;
  };

  int pieces_;
  int stocked_;
  int taken_ = 0;
  std::map<int, Entry> entries_;
};

// How a customer pays, and what the gateway makes of it.
enum class Means { good_card, declined_card, holding_card, asking_card, asking_holding_card, cash, nothing_due };
const char* name_of(Means means);

// The gateway's own books: it charges once for an order, however often it is asked.
class Gateway {
 public:
  enum class State { unheard_of, customer, authorised, captured, refused, cancelled, refunded };

  struct Account {
    State state = State::unheard_of;
    int captures = 0;
    int refunds = 0;
  };

  void charge(int order, Means means);
  // The customer approves or refuses what waits for it. False when nothing does.
  bool act(int order, Means means, bool approves);
  // The merchant takes what was held.
  void capture(int order);
  // A charge that arrives after this finds the payment cancelled.
  void cancel(int order);
  void refund(int order);

  const Account& account(int order) const;

 private:
  std::map<int, Account> accounts_;
};

// What becomes of a call to the gateway.
enum class Fate { answered, answer_lost, never_arrives, arrives_late };

// The payment service. A call that has to ask the gateway meets `fate`; `late` is told that a charge arrives later.
class Payments {
 public:
  // `refunding`: a refund is asked for, and the service goes on until the gateway has done it.
  enum class State {
    none,
    closed,
    unknown,
    customer,
    authorised,
    captured,
    on_delivery,
    refused,
    cancelled,
    refunding,
    refunded
  };

  explicit Payments(Gateway& gateway) : gateway_(gateway) {}

  What charge(int order, Means means, Fate fate, bool& late);
  What resolve(int order, Fate fate);
  What cancel(int order, Fate fate);
  What refund(int order, Fate fate);
  // The gateway tells, or the service asks of itself. True when that changed anything.
  bool learn(int order);

  State state(int order) const;

 private:
  What told(int order) const;

  Gateway& gateway_;
  std::map<int, State> states_;
};

}  // namespace souk::order::simulation
