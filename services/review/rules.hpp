#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/result.hpp"
#include "review/api.hpp"

namespace souk::review::rules {

// A line of an import file.
struct ImportLine {
  json::Text<1, 50> product_id;
  json::Int<1, 5> rating;
  std::optional<json::Text<0, 200>> title;
  std::optional<json::Text<0, 10000>> content;
  std::optional<UserDetails> user_details;
  std::optional<json::Text<1, 50>> review_id;
  std::optional<json::Text<1, 50>> user_id;
  std::optional<std::vector<ReviewImage>> images;
  std::optional<bool> is_verified_purchase;
  std::optional<json::Int<0, 1'000'000'000>> helpful_count;
  std::optional<json::Int<0, 1'000'000'000>> not_helpful_count;
  std::optional<Timestamp> created_at;
};
BOOST_DESCRIBE_STRUCT(ImportLine, (),
                      (product_id, rating, title, content, user_details, review_id, user_id, images,
                       is_verified_purchase, helpful_count, not_helpful_count, created_at))

// The review that a line is. Its id and author, where the line names none, are made from its content, so that the same
// line is the same review the next time; so is its time, which lies in the months before 2026.
Result<Review> from_line(const std::string& line);

inline constexpr std::size_t max_images = 10;
inline constexpr std::size_t max_import = 1000;

// Refuses a blank title or content, too many pictures, and pictures that are not on the web.
Result<void> check(const ReviewBody& body);
Result<void> check(const ReviewChanges& changes);

// A name as shops show it: "Ada L."
std::string shown_name(const std::string& first_name, const std::string& last_name);

// A review a customer writes now.
Review new_review(const CreateReview& request, const std::optional<Uuid>& order_id, std::string author, Timestamp now);
// What its author has changed is looked at anew.
void apply(Review& review, const ReviewChanges& changes, Timestamp now);
void set_status(Review& review, ReviewStatus status, Timestamp now);

bool is_author(const Caller& caller, const Review& review);
bool may_see(const Caller& caller, const Review& review);
// As the caller may see it: the order and the notes are for the author and administrators.
Review shown_to(const Caller& caller, Review review);

// Opaque place in a list: the sort key and the id of the last review seen.
struct Position {
  std::string key;
  std::string review_id;
};
std::string to_cursor(ReviewSort sort, const Position& position);
// Nothing for what is no cursor of that order.
std::optional<Position> from_cursor(ReviewSort sort, std::string_view cursor);
// What a review is sorted by, as text.
std::string sort_key(ReviewSort sort, const Review& review);

}  // namespace souk::review::rules
