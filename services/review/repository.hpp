#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "review/api.hpp"
#include "rules.hpp"

// Where reviews are kept. Nothing here is of one engine: the embedded document store in PostgreSQL
// (postgres_repository.hpp) is one.
namespace souk::review {

struct ReviewQuery {
  std::optional<std::string> product_id{};  // approved ones of a product,
  std::optional<std::string> user_id{};     // or all of a customer,
  std::optional<ReviewStatus> status{};     // or all of this status, or just all
  std::optional<std::int64_t> rating{};
  ReviewSort sort = ReviewSort::newest;
  std::optional<rules::Position> after{};
  std::int64_t limit = 20;
};

// Changes that become visible together, with the events and ratings that follow from them, or not at all.
class Change {
 public:
  virtual ~Change() = default;
  // Locked until the end of the change.
  virtual Task<std::optional<Review>> lock(std::string review_id) = 0;
  // False when the customer has a review of the product already.
  virtual Task<bool> insert(const Review& review) = 0;
  // The ids of those that were not there before.
  virtual Task<std::vector<std::string>> insert_missing(std::vector<Review> reviews) = 0;
  // False when the customer has another review of the product; the change is then lost.
  virtual Task<bool> replace(const Review& review) = 0;
  virtual Task<> remove(std::string review_id) = 0;
  // The vote before this one, if there was one.
  virtual Task<std::optional<bool>> set_vote(std::string review_id, Uuid user_id, bool helpful) = 0;
  // Tells the catalog what the product's rating is after this change.
  virtual Task<> announce_rating(std::string product_id) = 0;
  virtual Task<> commit() = 0;
};

class Repository {
 public:
  virtual ~Repository() = default;
  virtual Task<std::optional<Review>> find(Context context, std::string review_id) = 0;
  virtual Task<std::vector<Review>> list(Context context, ReviewQuery query) = 0;
  virtual Task<std::unique_ptr<Change>> begin(Context context) = 0;
  virtual Task<events::EventPage> events(Context context, events::ReadEvents request) = 0;
  // Deletes what nobody needs any more.
  virtual Task<> keep_house(Context context) = 0;
};

}  // namespace souk::review
