#include "results_cache.hpp"

#include "core/failure.hpp"

namespace souk::search {

// All of Found but the ids.
struct ResultsMeta {
  std::int64_t total = 0;
  bool has_more = false;
  std::map<std::string, std::vector<FacetValue>> facets;
};
BOOST_DESCRIBE_STRUCT(ResultsMeta, (), (total, has_more, facets))

namespace {

// A cache that takes longer than the search itself is no help.
constexpr auto time_limit = std::chrono::milliseconds(50);
const std::string time_to_live = "1800";

std::string key_of(const std::string& query_hash) { return "search:" + query_hash; }

const redis::Script& store_script() {
  static const redis::Script script(
      "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3]); redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]); return "
      "1");
  return script;
}

}  // namespace

Task<std::optional<Found>> ResultsCache::find(Context context, std::string query_hash) {
  try {
    const auto key = key_of(query_hash);
    const auto reply = co_await redis_.command(context.limited(time_limit), {"MGET", key, key + ":meta"});
    if (reply.elements.size() != 2 || reply.elements[0].is_nil() || reply.elements[1].is_nil()) co_return std::nullopt;
    auto ids = json::read<std::vector<std::string>>(reply.elements[0].text, json::Mode::lenient);
    auto meta = json::read<ResultsMeta>(reply.elements[1].text, json::Mode::lenient);
    if (!ids || !meta) co_return std::nullopt;
    co_return Found{*std::move(ids), meta->total, meta->has_more, std::move(meta->facets)};
  } catch (const Unavailable&) {
    co_return std::nullopt;
  } catch (const UnknownOutcome&) {
    co_return std::nullopt;
  }
}

Task<> ResultsCache::store(Context context, std::string query_hash, Found found) {
  try {
    const auto key = key_of(query_hash);
    const ResultsMeta meta{found.total, found.has_more, std::move(found.facets)};
    co_await redis_.eval(context.limited(time_limit), store_script(), {key, key + ":meta"},
                         {json::write(found.product_ids), json::write(meta), time_to_live});
  } catch (const Unavailable&) {
  } catch (const UnknownOutcome&) {
  }
}

}  // namespace souk::search
