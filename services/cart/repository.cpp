#include "repository.hpp"

#include <charconv>
#include <stdexcept>

namespace souk::cart {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

// The order of names is the order in which decode() reads them. A cart that somebody wrote as the spec's example does
// has no version: it counts as 0.
#define SOUK_CART_LUA                                                                                           \
  "local function read(key) return redis.call('HMGET', key, 'items', 'version', 'currency', 'coupon_code',"     \
  " 'settled_version', 'created_at', 'updated_at') end "                                                        \
  "local function version(key) local found = redis.call('HGET', key, 'version') if found then return found end" \
  " if redis.call('HEXISTS', key, 'items') == 1 then return '0' end return '' end "                             \
  "local function write(key, ttl, has_coupon, first)"                                                           \
  " redis.call('HSET', key, unpack(ARGV, first))"                                                               \
  " if has_coupon == '0' then redis.call('HDEL', key, 'coupon_code') end"                                       \
  " redis.call('EXPIRE', key, ttl) end "

const redis::Script save_script(SOUK_CART_LUA R"(
if version(KEYS[1]) ~= ARGV[1] then return read(KEYS[1]) end
write(KEYS[1], ARGV[2], ARGV[3], 4)
return 1)");

const redis::Script move_script(SOUK_CART_LUA R"(
if version(KEYS[1]) ~= ARGV[1] or version(KEYS[2]) ~= ARGV[2] then return {read(KEYS[1]), read(KEYS[2])} end
write(KEYS[2], ARGV[3], ARGV[4], 5)
redis.call('DEL', KEYS[1])
return 1)");

#undef SOUK_CART_LUA

std::string seconds_of(Timestamp time) {
  return std::to_string(duration_cast<seconds>(time.time_since_epoch()).count());
}

std::int64_t number(const redis::Reply& reply, std::int64_t otherwise) {
  if (reply.is_nil()) return otherwise;
  std::int64_t value = 0;
  const auto& text = reply.text;
  // A time with decimals, as another writer may have it, is cut to the second.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) throw std::runtime_error("a cart's field is no number");
  return value;
}

std::optional<StoredCart> decode(const redis::Reply& reply) {
  const auto& values = reply.elements;
  if (values.size() != 7) throw std::logic_error("a cart is read by seven fields");
  if (values[0].is_nil()) return std::nullopt;
  StoredCart cart{.items = json::read_trusted<std::vector<StoredItem>>(values[0].text),
                  .coupon_code = values[3].optional_text(),
                  .version = number(values[1], 0),
                  .settled_version = number(values[4], -1),
                  .created_at = Timestamp(seconds(number(values[5], 0))),
                  .updated_at = Timestamp(seconds(number(values[6], 0)))};
  if (!values[2].is_nil()) cart.currency = values[2].text;
  for (auto& item : cart.items) {
    if (item.item_id.empty()) item.item_id = rules::item_id_of(item.product_id, item.variant_id);
  }
  return cart;
}

std::string version_text(const std::optional<StoredCart>& cart) { return cart ? std::to_string(cart->version) : ""; }

// What the scripts' write() takes: time to live, whether a coupon is to stay, then the fields that differ from
// `previous`, if there was one.
void append(std::vector<std::string>& arguments, const Repository::Key& key, const StoredCart& cart,
            const std::optional<StoredCart>& previous) {
  const auto add = [&arguments](std::string name, std::string value) {
    arguments.push_back(std::move(name));
    arguments.push_back(std::move(value));
  };
  const bool loses_coupon = !cart.coupon_code && (!previous || previous->coupon_code);
  add(std::to_string(key.time_to_live.count()), loses_coupon ? "0" : "1");
  add("version", std::to_string(cart.version));
  add("items", json::write(cart.items));
  add("subtotal", rules::subtotal(cart).to_string());
  if (!previous || previous->updated_at != cart.updated_at) add("updated_at", seconds_of(cart.updated_at));
  if (!previous || previous->created_at != cart.created_at) add("created_at", seconds_of(cart.created_at));
  if (!previous || previous->currency != cart.currency) add("currency", cart.currency);
  if (!previous || previous->settled_version != cart.settled_version) {
    add("settled_version", std::to_string(cart.settled_version));
  }
  if (cart.coupon_code && (!previous || previous->coupon_code != cart.coupon_code)) {
    add("coupon_code", *cart.coupon_code);
  }
}

}  // namespace

Repository::Key Repository::guest_key(const std::string& cart_id) {
  return {"cart:session:" + cart_id, rules::guest_time_to_live};
}

Repository::Key Repository::own_key(Uuid user_id) {
  return {"cart:user:" + user_id.to_string(), rules::own_time_to_live};
}

Task<std::optional<StoredCart>> Repository::find(Context context, Key key) {
  std::vector<std::string> command = {"HMGET",       std::move(key.name), "items",      "version",   "currency",
                                      "coupon_code", "settled_version",   "created_at", "updated_at"};
  co_return decode(co_await redis_.command(std::move(context), std::move(command)));
}

Task<Repository::Saved> Repository::save(Context context, Key key, StoredCart cart,
                                         std::optional<StoredCart> previous) {
  std::vector<std::string> arguments = {version_text(previous)};
  append(arguments, key, cart, previous);
  std::vector<std::string> keys = {std::move(key.name)};
  const auto reply = co_await redis_.eval(std::move(context), save_script, std::move(keys), std::move(arguments));
  if (reply.type == redis::Reply::Type::integer) co_return Saved{.done = true, .current = std::nullopt};
  co_return Saved{.done = false, .current = decode(reply)};
}

Task<Repository::Moved> Repository::move(Context context, Key from, StoredCart previous_from, Key to,
                                         std::optional<StoredCart> previous_to, StoredCart merged) {
  std::vector<std::string> arguments = {std::to_string(previous_from.version), version_text(previous_to)};
  append(arguments, to, merged, previous_to);
  std::vector<std::string> keys = {std::move(from.name), std::move(to.name)};
  const auto reply = co_await redis_.eval(std::move(context), move_script, std::move(keys), std::move(arguments));
  if (reply.type == redis::Reply::Type::integer) co_return Moved{.done = true};
  co_return Moved{.done = false, .from = decode(reply.elements.at(0)), .to = decode(reply.elements.at(1))};
}

Task<bool> Repository::remove(Context context, Key key) {
  std::vector<std::string> command = {"DEL", std::move(key.name)};
  const auto reply = co_await redis_.command(std::move(context), std::move(command));
  co_return reply.integer == 1;
}

}  // namespace souk::cart
