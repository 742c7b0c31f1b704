#include "repository.hpp"

#include <charconv>
#include <stdexcept>

namespace souk::cart {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

// The order of names is the order in which decode() reads them. A cart that somebody wrote as the spec's example does
// has no version: it counts as 0.
#define SOUK_CART_LUA                                                                                                 \
  "local function read(key) return redis.call('HMGET', key, 'items', 'version', 'currency', 'coupon_code',"           \
  " 'settled_version', 'created_at', 'updated_at') end "                                                              \
  "local function version(cart) if not cart[1] then return '' end return cart[2] or '0' end "                         \
  "local function write(key, ttl, coupon, first)"                                                                     \
  " redis.call('HSET', key, unpack(ARGV, first))"                                                                     \
  " if coupon == '' then redis.call('HDEL', key, 'coupon_code') else redis.call('HSET', key, 'coupon_code', coupon) " \
  "end"                                                                                                               \
  " redis.call('EXPIRE', key, ttl) end "

const redis::Script save_script(SOUK_CART_LUA R"(
local cart = read(KEYS[1])
if version(cart) ~= ARGV[1] then return cart end
write(KEYS[1], ARGV[2], ARGV[3], 4)
return 1)");

const redis::Script move_script(SOUK_CART_LUA R"(
local from, to = read(KEYS[1]), read(KEYS[2])
if version(from) ~= ARGV[1] or version(to) ~= ARGV[2] then return {from, to} end
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

std::string version_text(std::optional<std::int64_t> version) { return version ? std::to_string(*version) : ""; }

// What the scripts' write() takes: time to live, coupon, then the fields.
void append(std::vector<std::string>& arguments, const Repository::Key& key, const StoredCart& cart) {
  for (auto& text :
       {std::to_string(key.time_to_live.count()), cart.coupon_code.value_or(""), std::string("items"),
        json::write(cart.items), std::string("subtotal"), rules::subtotal(cart).to_string(), std::string("created_at"),
        seconds_of(cart.created_at), std::string("updated_at"), seconds_of(cart.updated_at), std::string("version"),
        std::to_string(cart.version), std::string("currency"), cart.currency, std::string("settled_version"),
        std::to_string(cart.settled_version)}) {
    arguments.push_back(text);
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
                                         std::optional<std::int64_t> expected_version) {
  std::vector<std::string> arguments = {version_text(expected_version)};
  append(arguments, key, cart);
  std::vector<std::string> keys = {std::move(key.name)};
  const auto reply = co_await redis_.eval(std::move(context), save_script, std::move(keys), std::move(arguments));
  if (reply.type == redis::Reply::Type::integer) co_return Saved{.done = true, .current = std::nullopt};
  co_return Saved{.done = false, .current = decode(reply)};
}

Task<Repository::Moved> Repository::move(Context context, Key from, std::int64_t from_version, Key to,
                                         std::optional<std::int64_t> to_version, StoredCart merged) {
  std::vector<std::string> arguments = {version_text(from_version), version_text(to_version)};
  append(arguments, to, merged);
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
