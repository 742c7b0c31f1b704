#include "redis_cache.hpp"

#include "http/message.hpp"
#include "telemetry/log.hpp"

namespace souk::catalog {
namespace {

using namespace std::chrono_literals;

// A cache that answers slower than the database is none.
constexpr Duration patience = 100ms;
constexpr Duration rest_after_failure = 1s;

std::string key_of(const std::string& product_id) { return "product:" + product_id; }
std::string version_key_of(const std::string& product_id) { return "product:" + product_id + ":version"; }
std::string version_of(Timestamp time) { return std::to_string(time.time_since_epoch().count()); }

// KEYS: document and version of each product; ARGV: version and text of each. Versions have 16 digits, which Lua's
// numbers hold exactly.
const redis::Script& fill_script() {
  static const redis::Script script(R"(
for i = 1, #KEYS, 2 do
  local known = tonumber(redis.call('GET', KEYS[i + 1]) or '0')
  if known <= tonumber(ARGV[i]) then
    redis.call('SET', KEYS[i + 1], ARGV[i], 'EX', 3600)
    redis.call('SET', KEYS[i], ARGV[i + 1], 'EX', 3600)
  end
end
return 0)");
  return script;
}

// KEYS: document and version of each product; ARGV: version of each.
const redis::Script& invalidate_script() {
  static const redis::Script script(R"(
for i = 1, #KEYS, 2 do
  local version = ARGV[(i + 1) / 2]
  local known = tonumber(redis.call('GET', KEYS[i + 1]) or '0')
  if known < tonumber(version) then
    redis.call('SET', KEYS[i + 1], version, 'EX', 3600)
    redis.call('DEL', KEYS[i])
  end
end
return 0)");
  return script;
}

// What a cached document says of itself.
struct Head {
  std::string product_id;
  std::string slug;
  ProductStatus status{};
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Head, (), (product_id, slug, status, updated_at))

std::optional<StoredDocument> to_document(std::string body) {
  auto head = json::read<Head>(body, json::Mode::lenient);
  if (!head) return std::nullopt;
  return StoredDocument{.product_id = std::move(head->product_id),
                        .slug = std::move(head->slug),
                        .status = head->status,
                        .updated_at = head->updated_at,
                        .etag = http::etag_of(body),
                        .body = std::move(body)};
}

}  // namespace

bool RedisCache::resting() const {
  return Clock::now().time_since_epoch().count() < resting_until_.load(std::memory_order_relaxed);
}

void RedisCache::rest() {
  resting_until_.store((Clock::now() + rest_after_failure).time_since_epoch().count(), std::memory_order_relaxed);
}

Task<std::vector<StoredDocument>> RedisCache::find(Context context, std::vector<std::string> product_ids) {
  std::vector<StoredDocument> documents;
  if (resting() || product_ids.empty()) co_return documents;
  std::vector<std::string> command{"MGET"};
  for (const auto& id : product_ids) command.push_back(key_of(id));
  try {
    auto reply = co_await redis_.command(context.limited(patience), std::move(command));
    for (std::size_t i = 0; i < reply.elements.size(); ++i) {
      if (reply.elements[i].is_nil()) continue;
      auto document = to_document(std::move(reply.elements[i].text));
      if (document && document->product_id == product_ids[i]) documents.push_back(*std::move(document));
    }
  } catch (const redis::Unavailable&) {
    rest();
  } catch (const redis::Error& error) {
    log::warning(context, "the product cache in Redis refused a read", log::kv("why", error.what()));
  }
  co_return documents;
}

Task<> RedisCache::fill(Context context, std::vector<DocumentPtr> documents) {
  if (resting() || documents.empty()) co_return;
  std::vector<std::string> keys;
  std::vector<std::string> arguments;
  for (const auto& document : documents) {
    keys.push_back(key_of(document->product_id));
    keys.push_back(version_key_of(document->product_id));
    arguments.push_back(version_of(document->updated_at));
    arguments.push_back(document->body);
  }
  try {
    co_await redis_.eval(context.limited(patience), fill_script(), std::move(keys), std::move(arguments));
  } catch (const redis::Unavailable&) {
    rest();
  } catch (const redis::Error& error) {
    log::warning(context, "the product cache in Redis refused a write", log::kv("why", error.what()));
  }
}

Task<> RedisCache::invalidate(Context context, std::vector<Changed> changed) {
  if (changed.empty()) co_return;
  std::vector<std::string> keys;
  std::vector<std::string> arguments;
  for (const auto& product : changed) {
    keys.push_back(key_of(product.product_id));
    keys.push_back(version_key_of(product.product_id));
    arguments.push_back(version_of(product.updated_at));
  }
  co_await redis_.eval(std::move(context), invalidate_script(), std::move(keys), std::move(arguments));
}

Task<> RedisCache::clear(Context context) {
  std::string cursor = "0";
  do {
    std::vector<std::string> scan{"SCAN", cursor, "MATCH", "product:*", "COUNT", "1000"};
    auto reply = co_await redis_.command(context, std::move(scan));
    cursor = reply.elements.at(0).text;
    std::vector<std::string> unlink{"UNLINK"};
    for (auto& key : reply.elements.at(1).elements) unlink.push_back(std::move(key.text));
    if (unlink.size() > 1) co_await redis_.command(context, std::move(unlink));
  } while (cursor != "0");
}

}  // namespace souk::catalog
