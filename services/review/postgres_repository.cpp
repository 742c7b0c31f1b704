#include "postgres_repository.hpp"

namespace souk::review {
namespace {

// A list of one order: rows after ($3 key, $4 id), or from the start where they are NULL.
#define SOUK_REVIEW_LIST(filter, key, order, after)               \
  "SELECT document::text FROM reviews WHERE " filter              \
  " AND ($2::int IS NULL OR (document->>'rating')::integer = $2)" \
  " AND ($3::text IS NULL OR (" key ", document->>'review_id') " after " ($3::" order ", $4::text))"

#define SOUK_OF_PRODUCT "document->>'product_id' = $1 AND document->>'status' = 'approved'"
#define SOUK_TIME_KEY "document_time(document->>'created_at')"

constexpr pg::Statement list_newest{
    "review.list_newest",
    SOUK_REVIEW_LIST(SOUK_OF_PRODUCT, SOUK_TIME_KEY, "timestamptz", "<") " ORDER BY " SOUK_TIME_KEY
                                                                         " DESC, document->>'review_id' DESC LIMIT $5"};
constexpr pg::Statement list_own{
    "review.list_own", SOUK_REVIEW_LIST("document->>'user_id' = $1", SOUK_TIME_KEY, "timestamptz",
                                        "<") " ORDER BY " SOUK_TIME_KEY " DESC, document->>'review_id' DESC LIMIT $5"};
constexpr pg::Statement list_all{
    "review.list_all", SOUK_REVIEW_LIST("($1::text IS NULL OR document->>'status' = $1)", SOUK_TIME_KEY, "timestamptz",
                                        "<") " ORDER BY " SOUK_TIME_KEY " DESC, document->>'review_id' DESC LIMIT $5"};
constexpr pg::Statement list_helpful{
    "review.list_helpful",
    SOUK_REVIEW_LIST(SOUK_OF_PRODUCT, "(document->>'helpful_count')::integer", "integer",
                     "<") " ORDER BY (document->>'helpful_count')::integer DESC, document->>'review_id' DESC LIMIT $5"};
constexpr pg::Statement list_best{
    "review.list_best",
    SOUK_REVIEW_LIST(SOUK_OF_PRODUCT, "(document->>'rating')::integer", "integer",
                     "<") " ORDER BY (document->>'rating')::integer DESC, document->>'review_id' DESC LIMIT $5"};
constexpr pg::Statement list_worst{
    "review.list_worst",
    SOUK_REVIEW_LIST(SOUK_OF_PRODUCT, "(document->>'rating')::integer", "integer",
                     ">") " ORDER BY (document->>'rating')::integer, document->>'review_id' LIMIT $5"};

constexpr pg::Statement find_review{"review.find",
                                    "SELECT document::text FROM reviews WHERE document->>'review_id' = $1"};
constexpr pg::Statement lock_review{"review.lock",
                                    "SELECT document::text FROM reviews WHERE document->>'review_id' = $1 FOR UPDATE"};
constexpr pg::Statement insert_review{"review.insert",
                                      "INSERT INTO reviews (document) VALUES ($1::jsonb) ON CONFLICT DO NOTHING"};
constexpr pg::Statement insert_missing_reviews{"review.insert_missing",
                                               "INSERT INTO reviews (document) SELECT unnest($1::jsonb[]) ON CONFLICT "
                                               "DO NOTHING RETURNING document->>'review_id'"};
constexpr pg::Statement replace_review{"review.replace",
                                       "UPDATE reviews SET document = $2::jsonb WHERE document->>'review_id' = $1"};
constexpr pg::Statement delete_review{"review.delete", "DELETE FROM reviews WHERE document->>'review_id' = $1"};
constexpr pg::Statement delete_votes{"review.delete_votes", "DELETE FROM review_votes WHERE review_id = $1"};
constexpr pg::Statement find_vote{"review.find_vote",
                                  "SELECT helpful FROM review_votes WHERE review_id = $1 AND user_id = $2"};
constexpr pg::Statement set_vote_row{"review.set_vote",
                                     "INSERT INTO review_votes (review_id, user_id, helpful) VALUES ($1, $2, $3) "
                                     "ON CONFLICT (review_id, user_id) DO UPDATE SET helpful = EXCLUDED.helpful"};
// Two changes of one product's reviews would each miss the other's in its average; they go one after the other.
constexpr pg::Statement lock_product{"review.lock_product",
                                     "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text"};
constexpr pg::Statement rate_product{
    "review.rate_product",
    "SELECT COALESCE(round(avg((document->>'rating')::integer), 2), 0)::float8, count(*) FROM reviews "
    "WHERE document->>'product_id' = $1 AND document->>'status' = 'approved'"};

constexpr std::string_view one_each = "reviews_one_each";

const pg::Statement& statement_for(const ReviewQuery& query) {
  if (query.user_id) return list_own;
  if (!query.product_id) return list_all;
  switch (query.sort) {
    case ReviewSort::newest: return list_newest;
    case ReviewSort::helpful: return list_helpful;
    case ReviewSort::rating_desc: return list_best;
    case ReviewSort::rating_asc: return list_worst;
  }
  std::unreachable();
}

class PostgresChange final : public Change {
 public:
  PostgresChange(pg::Transaction tx, events::Outbox& outbox) : tx_(std::move(tx)), outbox_(outbox) {}

  Task<std::optional<Review>> lock(std::string review_id) override {
    const auto rows = co_await tx_.query(lock_review, review_id);
    if (rows.empty()) co_return std::nullopt;
    co_return json::read_trusted<Review>(rows.front().text(0));
  }

  Task<bool> insert(const Review& review) override {
    const auto rows = co_await tx_.query(insert_review, json::write(review));
    co_return rows.affected() == 1;
  }

  Task<std::vector<std::string>> insert_missing(std::vector<Review> reviews) override {
    std::vector<json::Raw> documents;
    documents.reserve(reviews.size());
    for (const auto& review : reviews) documents.push_back({json::write(review)});
    const auto rows = co_await tx_.query(insert_missing_reviews, documents);
    std::vector<std::string> inserted;
    for (const auto row : rows) inserted.push_back(row.get<std::string>(0));
    co_return inserted;
  }

  Task<bool> replace(const Review& review) override {
    try {
      co_await tx_.query(replace_review, review.review_id, json::write(review));
    } catch (const pg::Error& error) {
      if (!error.is_unique_violation(one_each)) throw;
      co_return false;
    }
    co_return true;
  }

  Task<> remove(std::string review_id) override {
    co_await tx_.query(delete_votes, review_id);
    co_await tx_.query(delete_review, review_id);
  }

  Task<std::optional<bool>> set_vote(std::string review_id, Uuid user_id, bool helpful) override {
    const auto before = co_await tx_.query(find_vote, review_id, user_id);
    co_await tx_.query(set_vote_row, review_id, user_id, helpful);
    if (before.empty()) co_return std::nullopt;
    co_return before.front().get<bool>(0);
  }

  Task<> announce_rating(std::string product_id) override {
    co_await tx_.query(lock_product, product_id);
    const auto rows = co_await tx_.query(rate_product, product_id);
    const RatingChanged changed{
        .product_id = product_id, .average = rows.front().get<double>(0), .count = rows.front().get<std::int64_t>(1)};
    co_await outbox_.append(tx_, "rating.changed", product_id, changed);
  }

  Task<> commit() override {
    co_await tx_.commit();
    outbox_.committed();
  }

 private:
  pg::Transaction tx_;
  events::Outbox& outbox_;
};

}  // namespace

PostgresRepository::PostgresRepository(pg::Pool& pool) : pool_(pool), outbox_(pool) {}

Task<std::optional<Review>> PostgresRepository::find(Context context, std::string review_id) {
  const auto rows = co_await pool_.query(std::move(context), find_review, review_id);
  if (rows.empty()) co_return std::nullopt;
  co_return json::read_trusted<Review>(rows.front().text(0));
}

Task<std::vector<Review>> PostgresRepository::list(Context context, ReviewQuery query) {
  std::optional<std::string> key;
  std::optional<std::string> id;
  if (query.after) {
    key = query.after->key;
    id = query.after->review_id;
  }
  std::optional<std::string> whose = query.user_id ? query.user_id : query.product_id;
  if (!whose && query.status) whose = std::string(json::enum_name(*query.status));
  const auto rows =
      co_await pool_.query(std::move(context), statement_for(query), whose, query.rating, key, id, query.limit);
  std::vector<Review> reviews;
  for (const auto row : rows) reviews.push_back(json::read_trusted<Review>(row.text(0)));
  co_return reviews;
}

Task<std::unique_ptr<Change>> PostgresRepository::begin(Context context) {
  co_return std::make_unique<PostgresChange>(co_await pool_.begin(std::move(context)), outbox_);
}

Task<events::EventPage> PostgresRepository::events(Context context, events::ReadEvents request) {
  co_return co_await outbox_.read(std::move(context), std::move(request));
}

Task<> PostgresRepository::keep_house(Context context) { co_await outbox_.prune(std::move(context)); }

}  // namespace souk::review
