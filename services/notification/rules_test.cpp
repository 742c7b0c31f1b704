#include "rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "templates.hpp"

namespace souk::notification {
namespace {

using std::chrono::hours, std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

order::OrderEvent order_event() {
  return {.order_id = Uuid::v7(), .order_number = "SO-1", .total = Amount(12345), .currency = "USD"};
}

TEST(NotificationRules, AConfirmedOrderIsToldWithItsNumberAndTotal) {
  const auto order = order_event();
  const auto draft = rules::draft("order.confirmed", order, "anna@example.com");
  ASSERT_TRUE(draft);
  EXPECT_EQ(draft->subject_id, order.order_id.to_string());
  EXPECT_EQ(draft->occurrence, "");
  EXPECT_THAT(draft->subject, HasSubstr("SO-1"));
  EXPECT_THAT(draft->text, HasSubstr("123.45 USD"));
  EXPECT_THAT(draft->html, HasSubstr("123.45 USD"));
}

TEST(NotificationRules, EveryStatusButPendingIsToldOnce) {
  for (const auto* kind : {"order.confirmed", "order.processing", "order.shipped", "order.delivered", "order.cancelled",
                           "order.returned", "order.refunded"}) {
    EXPECT_TRUE(rules::draft(kind, order_event(), "a@example.com")) << kind;
  }
  EXPECT_FALSE(rules::draft("order.pending", order_event(), "a@example.com"));
  EXPECT_FALSE(rules::draft("order.anything", order_event(), "a@example.com"));
}

TEST(NotificationRules, ARepeatedRegistrationIsToldOnceADay) {
  const user::UserRegistered anna{.user_id = Uuid::v7(), .email = "anna@example.com", .first_name = "Anna"};
  const auto at = parse_timestamp("2026-03-01T23:59:59Z").value();
  EXPECT_EQ(rules::draft("registration.repeated", anna, at)->occurrence, "2026-03-01");
  EXPECT_EQ(rules::draft("registration.repeated", anna, at + seconds(1))->occurrence, "2026-03-02");
  EXPECT_EQ(rules::draft("user.registered", anna, at)->occurrence, "");
}

TEST(NotificationRules, AttemptsComeFurtherApartAndEnd) {
  EXPECT_EQ(rules::retry_after(1), seconds(30));
  EXPECT_EQ(rules::retry_after(2), seconds(60));
  EXPECT_EQ(rules::retry_after(8), hours(1));
  EXPECT_EQ(rules::retry_after(119), hours(1));
  EXPECT_FALSE(rules::retry_after(120));
}

TEST(NotificationRules, MessageIdsHaveTheSendersDomain) {
  EXPECT_EQ(rules::domain_of("Souk <shop@mail.example.com>"), "mail.example.com");
  EXPECT_EQ(rules::domain_of("shop@example.com"), "example.com");
  EXPECT_EQ(rules::domain_of("nobody"), "localhost");
  EXPECT_EQ(rules::domain_of("nobody@"), "localhost");
}

TEST(NotificationTemplates, ValuesAreEscapedInHtmlAndOnOneLineEverywhere) {
  const user::UserRegistered mallory{.user_id = Uuid::v7(),
                                     .email = "m@example.com",
                                     .first_name = "<script>alert('&')</script>\r\nBcc: all@example.com"};
  const auto draft = rules::draft("user.registered", mallory, now());
  ASSERT_TRUE(draft);
  EXPECT_THAT(draft->html, Not(HasSubstr("<script>")));
  EXPECT_THAT(draft->html, HasSubstr("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"));
  EXPECT_THAT(draft->subject, Not(HasSubstr("\n")));
  EXPECT_THAT(draft->subject, Not(HasSubstr("\r")));
}

TEST(NotificationTemplates, AValueIsNotTakenForAPlaceholder) {
  EXPECT_EQ(templates::fill("{{a}} {{b}}", {{"a", "{{b}}"}, {"b", "2"}}), "{{b}} 2");
}

TEST(NotificationTemplates, AMissingValueIsAMistakeOfOurs) {
  EXPECT_THROW(templates::fill("{{a}}", {}), std::logic_error);
  EXPECT_THROW(templates::fill("{{a", {{"a", ""}}), std::logic_error);
}

TEST(NotificationTemplates, ParagraphsBecomeParagraphs) {
  const auto html = templates::to_html("S", "One\n\nTwo\nstill two\n");
  EXPECT_THAT(html, HasSubstr("<p>One</p>\n<p>Two\nstill two</p>\n</body>"));
}

TEST(NotificationRules, ParcelsAreNamedAndOfManyTheFirst) {
  EXPECT_EQ(rules::describe_parcels({}, std::nullopt), "");
  EXPECT_EQ(rules::describe_parcels({}, "T-1"), "Its tracking number is T-1.");
  std::vector<order::Shipment> parcels{{.carrier = "DHL", .tracking_number = "1"}};
  EXPECT_EQ(rules::describe_parcels(parcels, "1"), "It comes in one parcel: DHL 1.");
  parcels.resize(12, {.carrier = "UPS", .tracking_number = "2"});
  const auto text = rules::describe_parcels(parcels, "2");
  EXPECT_TRUE(text.starts_with("It comes in 12 parcels: DHL 1, UPS 2, ")) << text;
  EXPECT_TRUE(text.ends_with("UPS 2 and 2 more.")) << text;
}

}  // namespace
}  // namespace souk::notification
