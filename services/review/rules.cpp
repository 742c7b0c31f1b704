#include "rules.hpp"

#include <algorithm>
#include <charconv>

#include "core/crypto.hpp"
#include "errors.hpp"

namespace souk::review::rules {
namespace {

// Imported reviews without a time are spread over the 180 days before this.
Timestamp imported_until() { return *parse_timestamp("2026-01-01T00:00:00Z"); }

std::string id_from(std::string_view prefix, std::string_view content) {
  const auto digest = sha256(content);
  return std::string(prefix) + hex(std::span(digest).first(12));
}

Timestamp time_from(std::string_view content) {
  const auto digest = sha256(content);
  const auto seconds = (digest[0] << 16 | digest[1] << 8 | digest[2]) % (180 * 86'400);
  return imported_until() - std::chrono::seconds(seconds);
}

std::string in_words(const Error& error) {
  std::string text;
  for (const auto& field : error.errors) text += (text.empty() ? "" : "; ") + field.field + " " + field.detail;
  return text.empty() ? error.detail : text;
}

bool is_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_valid_key(ReviewSort sort, const std::string& key) {
  return sort == ReviewSort::newest ? parse_timestamp(key).has_value() : is_number(key);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool is_web_address(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) && std::ranges::all_of(url, [](unsigned char c) {
           return c > 0x20 && c != 0x7f && c != '"' && c != '<' && c != '>';
         });
}

void check_images(std::vector<FieldError>& wrong, const std::vector<ReviewImage>& images) {
  if (images.size() > max_images) wrong.push_back({"images", "length", "must be at most 10"});
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (is_web_address(images[i].url)) continue;
    wrong.push_back({"images[" + std::to_string(i) + "].url", "format", "must be a web address"});
  }
}

// What is not given is null.
Result<void> check_parts(const std::string* title, const std::string* content, const std::vector<ReviewImage>* images) {
  std::vector<FieldError> wrong;
  if (title != nullptr && is_blank(*title)) wrong.push_back({"title", "format", "must not be blank"});
  if (content != nullptr && is_blank(*content)) wrong.push_back({"content", "format", "must not be blank"});
  if (images != nullptr) check_images(wrong, *images);
  if (!wrong.empty()) return errors::invalid(std::move(wrong));
  return {};
}

template <class T>
const T* if_given(const std::optional<T>& value) {
  return value ? &*value : nullptr;
}

}  // namespace

Result<void> check(const ReviewBody& body) { return check_parts(&body.title, &body.content, if_given(body.images)); }

Result<void> check(const ReviewChanges& changes) {
  return check_parts(if_given(changes.title), if_given(changes.content), if_given(changes.images));
}

std::string shown_name(const std::string& first_name, const std::string& last_name) {
  if (last_name.empty()) return first_name;
  std::size_t end = 1;  // of the first character, which may have several bytes
  while (end < last_name.size() && (static_cast<unsigned char>(last_name[end]) & 0xC0) == 0x80) ++end;
  return first_name + " " + last_name.substr(0, end) + ".";
}

void apply(Review& review, const ReviewChanges& changes, Timestamp now) {
  if (changes.rating) review.rating = *changes.rating;
  if (changes.title) review.title = *changes.title;
  if (changes.content) review.content = *changes.content;
  if (changes.images) review.images = *changes.images;
  review.moderation_notes.reset();
  set_status(review, ReviewStatus::pending, now);
}

void set_status(Review& review, ReviewStatus status, Timestamp now) {
  review.status = status;
  review.updated_at = now;
  review.approved_at.reset();
  if (status == ReviewStatus::approved) review.approved_at = now;
}

bool is_author(const Caller& caller, const Review& review) {
  return caller.user_id && caller.user_id->to_string() == review.user_id;
}

bool may_see(const Caller& caller, const Review& review) {
  return review.status == ReviewStatus::approved || caller.is_admin() || caller.kind == Caller::Kind::service ||
         is_author(caller, review);
}

Review shown_to(const Caller& caller, Review review) {
  if (!caller.is_admin() && caller.kind != Caller::Kind::service && !is_author(caller, review)) {
    review.order_id.reset();
    review.moderation_notes.reset();
  }
  return review;
}

Result<Review> from_line(const std::string& line) {
  auto read = json::read<ImportLine>(line);
  if (!read) return refuse(ErrorKind::invalid, "review.invalid_line", in_words(read.error()));
  auto& from = *read;
  const auto details = from.user_details.value_or(UserDetails{});
  const auto content = json::write(from);
  Review review;
  review.review_id = from.review_id ? std::string(*from.review_id) : id_from("rev_", content);
  review.product_id = from.product_id;
  review.user_id = from.user_id ? std::string(*from.user_id) : id_from("imported_", details.name + "\n" + content);
  review.rating = from.rating;
  review.title = from.title.value_or("");
  review.content = from.content.value_or("");
  review.images = from.images.value_or(std::vector<ReviewImage>{});
  review.is_verified_purchase = from.is_verified_purchase.value_or(false);
  review.helpful_count = from.helpful_count.value_or(0);
  review.not_helpful_count = from.not_helpful_count.value_or(0);
  review.status = ReviewStatus::approved;
  review.user_details = details;
  review.created_at = from.created_at.value_or(time_from(content));
  review.updated_at = review.created_at;
  review.approved_at = review.created_at;
  return review;
}

Review new_review(const CreateReview& request, const std::optional<Uuid>& order_id, std::string author, Timestamp now) {
  Review review;
  review.review_id = Uuid::v7().to_string();
  review.product_id = request.product_id;
  review.user_id = request.user_id.to_string();
  if (order_id) review.order_id = order_id->to_string();
  review.is_verified_purchase = order_id.has_value();
  review.rating = request.review.rating;
  review.title = request.review.title;
  review.content = request.review.content;
  review.images = request.review.images.value_or(std::vector<ReviewImage>{});
  review.user_details.name = std::move(author);
  review.created_at = now;
  review.updated_at = now;
  return review;
}

std::string to_cursor(ReviewSort sort, const Position& position) {
  const auto text = std::string(json::enum_name(sort)) + "\n" + position.key + "\n" + position.review_id;
  return base64url(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::optional<Position> from_cursor(ReviewSort sort, std::string_view cursor) {
  const auto text = from_base64url(cursor);
  if (!text || std::ranges::count(*text, '\n') != 2) return std::nullopt;
  const auto first = text->find('\n');
  const auto second = text->find('\n', first + 1);
  Position position{text->substr(first + 1, second - first - 1), text->substr(second + 1)};
  if (text->substr(0, first) != json::enum_name(sort) || !is_valid_key(sort, position.key)) return std::nullopt;
  return position;
}

std::string sort_key(ReviewSort sort, const Review& review) {
  switch (sort) {
    case ReviewSort::newest: return to_rfc3339(review.created_at);
    case ReviewSort::helpful: return std::to_string(review.helpful_count);
    case ReviewSort::rating_desc:
    case ReviewSort::rating_asc: return std::to_string(review.rating.value);
  }
  std::unreachable();
}

}  // namespace souk::review::rules
