#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "redis/client.hpp"
#include "rules.hpp"

namespace souk::cart {

// Carts in Redis: cart:session:{id} and cart:user:{user_id} as the spec has them, with more fields. Nothing is locked:
// who writes says which version it read, and gets the cart as it is now when somebody else was first.
class Repository {
 public:
  struct Key {
    std::string name;
    std::chrono::seconds time_to_live{};
  };
  // Both are as they are in Redis now; not looked at when done.
  struct Saved {
    bool done = false;
    std::optional<StoredCart> current;
  };
  struct Moved {
    bool done = false;
    std::optional<StoredCart> from;
    std::optional<StoredCart> to;
  };

  explicit Repository(redis::Client& redis) : redis_(redis) {}

  static Key guest_key(const std::string& cart_id);
  static Key own_key(Uuid user_id);

  Task<std::optional<StoredCart>> find(Context context, Key key);
  // Where the cart still has the version of `previous`, or there is none where that is absent. Only what differs from
  // `previous` is written.
  Task<Saved> save(Context context, Key key, StoredCart cart, std::optional<StoredCart> previous);
  // Replaces `to` by `merged` and deletes `from`, where both still have the versions of what was read.
  Task<Moved> move(Context context, Key from, StoredCart previous_from, Key to, std::optional<StoredCart> previous_to,
                   StoredCart merged);
  // False when there was none.
  Task<bool> remove(Context context, Key key);

 private:
  redis::Client& redis_;
};

}  // namespace souk::cart
