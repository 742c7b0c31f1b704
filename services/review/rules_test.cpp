#include "rules.hpp"

#include <gtest/gtest.h>

namespace souk::review::rules {
namespace {

ReviewBody body() { return {.rating = 4, .title = "Fine", .content = "It works."}; }

TEST(ReviewRules, AReviewSaysSomething) {
  EXPECT_TRUE(check(body()));
  auto blank = body();
  blank.title = " \n";
  blank.content = "\t";
  const auto refused = check(blank);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errors.size(), 2u);
}

TEST(ReviewRules, PicturesAreOnTheWebAndNotTooMany) {
  auto pictured = body();
  pictured.images = {{.url = "https://example.com/a.jpg"}};
  EXPECT_TRUE(check(pictured));
  for (const auto* url : {"javascript:alert(1)", "/etc/passwd", "https://a b", "https://x/\"onload=\""}) {
    pictured.images = {{.url = "https://example.com/a.jpg"}, {.url = url}};
    const auto refused = check(pictured);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().errors.at(0).field, "images[1].url");
  }
  pictured.images = std::vector<ReviewImage>(11, {.url = "https://example.com/a.jpg"});
  EXPECT_FALSE(check(pictured));
}

TEST(ReviewRules, AReviewerIsShownByFirstNameAndInitial) {
  EXPECT_EQ(shown_name("Ada", "Lovelace"), "Ada L.");
  EXPECT_EQ(shown_name("Åsa", "Öberg"), "Åsa Ö.");
  EXPECT_EQ(shown_name("Cher", ""), "Cher");
}

TEST(ReviewRules, TheSameLineIsTheSameReviewWhateverItsSpaces) {
  const auto one = from_line(R"({"product_id":"p1","rating":5,"title":"Good","user_details":{"name":"Chi"}})");
  const auto two =
      from_line(R"({ "rating": 5, "product_id": "p1", "title": "Good", "user_details": {"name": "Chi"} })");
  const auto other = from_line(R"({"product_id":"p1","rating":4,"title":"Good","user_details":{"name":"Chi"}})");
  ASSERT_TRUE(one && two && other);
  EXPECT_EQ(one->review_id, two->review_id);
  EXPECT_EQ(one->created_at, two->created_at);
  EXPECT_EQ(one->status, ReviewStatus::approved);
  EXPECT_NE(one->review_id, other->review_id);
}

TEST(ReviewRules, ABadLineSaysWhatIsWrong) {
  for (const auto* line : {"", "{", "[]", R"({"product_id":"p1"})", R"({"product_id":"p1","rating":0})",
                           R"({"product_id":"p1","rating":5,"stars":3})"}) {
    const auto refused = from_line(line);
    ASSERT_FALSE(refused) << line;
    EXPECT_FALSE(refused.error().detail.empty());
  }
  EXPECT_EQ(from_line(R"({"product_id":"p1","rating":0})").error().detail, "rating must be from 1 to 5");
}

TEST(ReviewRules, ACursorBelongsToItsOrder) {
  const auto cursor = to_cursor(ReviewSort::helpful, {"12", "r1"});
  const auto read = from_cursor(ReviewSort::helpful, cursor);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, "12");
  EXPECT_EQ(read->review_id, "r1");
  EXPECT_FALSE(from_cursor(ReviewSort::newest, cursor));
  for (const auto* bad : {"", "x", "bm9uc2Vuc2U", "!!!!"}) EXPECT_FALSE(from_cursor(ReviewSort::helpful, bad)) << bad;
}

TEST(ReviewRules, AStatusCarriesItsTimes) {
  Review review{.rating = 3};
  const auto time = now();
  set_status(review, ReviewStatus::approved, time);
  EXPECT_EQ(review.approved_at, time);
  set_status(review, ReviewStatus::rejected, time);
  EXPECT_FALSE(review.approved_at);
  EXPECT_EQ(review.updated_at, time);
}

}  // namespace
}  // namespace souk::review::rules
