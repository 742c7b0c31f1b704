#include "rules.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "json/json.hpp"

namespace souk::order::rules {
namespace {

constexpr OrderStatus all_statuses[] = {OrderStatus::pending, OrderStatus::confirmed, OrderStatus::processing,
                                        OrderStatus::shipped, OrderStatus::delivered, OrderStatus::cancelled,
                                        OrderStatus::refunded};

TEST(OrderRules, PackWhatIsLeftAndNothingTwice) {
  const auto a = Uuid::v7();
  const auto b = Uuid::v7();
  const std::vector<Remaining> left{{a, 3}, {b, 0}};
  const auto all = pack(left, std::nullopt);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->items.size(), 1u);
  EXPECT_EQ(all->items[0].quantity, 3);
  EXPECT_TRUE(all->is_last);
  EXPECT_FALSE(pack(left, std::vector<ParcelItem>{{a, 2}})->is_last);
  EXPECT_TRUE(pack(left, std::vector<ParcelItem>{{a, 3}})->is_last);
  const auto code = [&](std::vector<ParcelItem> items) { return pack(left, items).error().code; };
  EXPECT_EQ(code({{a, 4}}), "order.nothing_left_to_ship");
  EXPECT_EQ(code({{b, 1}}), "order.nothing_left_to_ship");
  EXPECT_EQ(code({}), "order.nothing_left_to_ship");
  EXPECT_EQ(code({{a, 1}, {a, 1}}), "order.unknown_item");
  EXPECT_EQ(code({{Uuid::v7(), 1}}), "order.unknown_item");
  EXPECT_EQ(pack({{a, 0}}, std::nullopt).error().code, "order.nothing_left_to_ship");
}

// The table of the design, row by row; whatever is not in it is not allowed.
TEST(OrderRules, FollowTheTableOfStatuses) {
  using enum OrderStatus;
  const std::set<std::pair<OrderStatus, OrderStatus>> allowed{
      {pending, confirmed},   {pending, cancelled},  {confirmed, processing}, {confirmed, shipped},
      {confirmed, cancelled}, {processing, shipped}, {processing, cancelled}, {shipped, delivered},
      {shipped, refunded},    {delivered, refunded}};
  for (const auto from : all_statuses) {
    for (const auto to : all_statuses) {
      EXPECT_EQ(may_follow(from, to), allowed.contains({from, to}))
          << json::enum_name(from) << " -> " << json::enum_name(to);
    }
  }
}

TEST(OrderRules, FollowTheTableOfPaymentStatuses) {
  using enum PaymentStatus;
  const std::set<std::pair<PaymentStatus, PaymentStatus>> allowed{{pending, paid}, {pending, failed}, {paid, refunded}};
  for (const auto from : {pending, paid, failed, refunded}) {
    for (const auto to : {pending, paid, failed, refunded}) {
      EXPECT_EQ(may_follow(from, to), allowed.contains({from, to}));
    }
  }
}

TEST(OrderRules, ACancellationIsALegalChangeOrNone) {
  for (const auto from : all_statuses) {
    const auto to = after_cancel(from);
    if (to) EXPECT_TRUE(*to == from || may_follow(from, *to)) << json::enum_name(from);
    if (!to) EXPECT_FALSE(may_follow(from, OrderStatus::cancelled)) << json::enum_name(from);
  }
}

TEST(OrderRules, ShippedOrderCannotBeCancelled) {
  EXPECT_EQ(after_cancel(OrderStatus::shipped).error().code, "order.already_shipped");
  EXPECT_EQ(after_cancel(OrderStatus::delivered).error().code, "order.already_shipped");
  EXPECT_EQ(after_cancel(OrderStatus::refunded).error().code, "order.already_refunded");
}

TEST(OrderRules, OrderNumbersAreReadableAndNotCounted) {
  const auto time = parse_timestamp("2026-03-01T23:59:59Z").value();
  std::set<std::string> numbers;
  for (int i = 0; i < 10'000; ++i) numbers.insert(new_order_number(time));
  EXPECT_EQ(numbers.size(), 10'000u);
  for (const auto& number : numbers) {
    EXPECT_EQ(number.size(), 20u);
    EXPECT_TRUE(number.starts_with("260301-"));
    EXPECT_EQ(number.find_first_of("ILOU"), std::string::npos) << "letters that are mistaken for digits";
  }
}

TEST(OrderRules, AnAccessTokenOpensItsOrderOnly) {
  const auto order = Uuid::v7();
  const auto token = access_token("secret", order);
  EXPECT_EQ(token.size(), 43u) << "256 bits";
  EXPECT_EQ(token, access_token("secret", order));
  EXPECT_TRUE(opens("secret", order, token));
  EXPECT_FALSE(opens("secret", Uuid::v7(), token));
  EXPECT_FALSE(opens("other secret", order, token));
  EXPECT_FALSE(opens("secret", order, std::nullopt));
  EXPECT_FALSE(opens("secret", order, ""));
}

TEST(OrderRules, PartsOfOrdersHaveIdsOfTheirOwnInOrder) {
  const auto order = Uuid::v7();
  std::set<Uuid> ids;
  for (std::uint16_t n = 0; n < 200; ++n) {
    EXPECT_TRUE(ids.empty() || *ids.rbegin() < part_id(order, n));
    ids.insert(part_id(order, n));
  }
  EXPECT_EQ(ids.size(), 200u);
  EXPECT_EQ(part_id(order, 3), part_id(order, 3));
  EXPECT_NE(part_id(order, 3), part_id(Uuid::v7(), 3));
}

TEST(OrderRules, EmailAddressesLookLikeOnes) {
  for (const auto* good : {"a@b.co", "ada.lovelace+shop@example.com", "ünï@exämple.de", "o'brien@mail.example.org"}) {
    EXPECT_TRUE(is_email(good)) << good;
  }
  for (const auto* bad : {"", "a", "a@b", "@b.co", "a@@b.co", "a@b.c", "a b@c.de", "a@.de", "a@b..de", "a@b.de\n",
                          "a@b.de,c@d.de", "<a@b.de>"}) {
    EXPECT_FALSE(is_email(bad)) << bad;
  }
}

TEST(OrderRules, CountriesAreTwoLetters) {
  EXPECT_EQ(country_code("de"), "DE");
  EXPECT_EQ(country_code("US"), "US");
  for (const auto* bad : {"", "D", "DEU", "1A", "ä"}) EXPECT_EQ(country_code(bad), std::nullopt) << bad;
}

TEST(OrderRules, AddressesAreTrimmedAndTheirFaultsNamed) {
  Address address{
      .full_name = "  Ada  ", .phone = "12345", .address_line1 = " 1 Main Street", .city = "Berlin ", .country = "de"};
  const auto checked = checked_address(address, "shipping_address");
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->full_name, "Ada");
  EXPECT_EQ(checked->city, "Berlin");
  EXPECT_EQ(checked->country, "DE");
  address.city = "   ";
  address.country = "99";
  const auto refused = checked_address(address, "billing_address");
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().errors.size(), 2u);
  EXPECT_EQ(refused.error().errors[0].field, "billing_address.city");
  EXPECT_EQ(refused.error().errors[1].field, "billing_address.country");
}

TEST(OrderRules, NamesAreCutAtACharacter) {
  std::string name;
  for (int i = 0; i < 300; ++i) name += "ü";
  const auto cut = short_name(name);
  EXPECT_EQ(cut.size(), 510u);
  EXPECT_EQ(short_name("short"), "short");
  EXPECT_EQ(short_name(std::string(255, 'x')).size(), 255u);
  EXPECT_EQ(short_name(std::string(256, 'x')).size(), 255u);
}

}  // namespace
}  // namespace souk::order::rules
