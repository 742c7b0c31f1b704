#include "audit/invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::audit {
namespace {

TEST(Invariants, AreCutAtTheirNames) {
  const auto rules = parse_invariants("-- words\n\n-- name: one\nSELECT 1\nFROM a;\n\n-- name: two\nSELECT 2;\n");
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].name, "one");
  EXPECT_EQ(rules[0].query, "SELECT 1\nFROM a");
  EXPECT_EQ(rules[1].name, "two");
  EXPECT_EQ(rules[1].query, "SELECT 2");
}

TEST(Invariants, OfATextWithoutAnyAreRefused) {
  EXPECT_THROW(parse_invariants("SELECT 1;"), std::invalid_argument);
  EXPECT_THROW(parse_invariants("-- name: empty\n-- name: full\nSELECT 1;"), std::invalid_argument);
}

TEST(Invariants, NameTheTablesThatAreCopied) {
  const std::vector<Invariant> rules{{"one", "SELECT o.id FROM order_db.orders o JOIN simulator.payments USING (id)"},
                                     {"two", "SELECT 1 FROM order_db.orders WHERE a.b = 2"}};
  EXPECT_THAT(tables_of(rules),
              ::testing::ElementsAre(BookTable{"order_db", "orders"}, BookTable{"simulator", "payments"}));
}

}  // namespace
}  // namespace souk::audit
