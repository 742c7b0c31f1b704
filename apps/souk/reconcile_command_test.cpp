#include <gtest/gtest.h>

#include "reconcile_command.hpp"

namespace souk {
namespace {

const Timestamp now_here = *parse_timestamp("2026-03-10T12:00:00Z");

std::string since_of(const std::vector<std::string>& arguments) {
  const auto parsed = ReconcileArguments::parse(arguments, now_here);
  return parsed ? to_rfc3339(parsed->since) : "wrong usage";
}

TEST(ReconcileArguments, SinceIsASpanOrAMoment) {
  EXPECT_EQ(since_of({}), "2026-03-08T12:00:00Z");
  EXPECT_EQ(since_of({"--since", "90m"}), "2026-03-10T10:30:00Z");
  EXPECT_EQ(since_of({"--since", "48h"}), "2026-03-08T12:00:00Z");
  EXPECT_EQ(since_of({"--since", "7d"}), "2026-03-03T12:00:00Z");
  EXPECT_EQ(since_of({"--since", "31d"}), "2026-02-07T12:00:00Z");
  EXPECT_EQ(since_of({"--since", "2026-03-01T12:00:00+01:00"}), "2026-03-01T11:00:00Z");
}

TEST(ReconcileArguments, WhatIsWrongIsRefused) {
  for (const auto* since : {"", "d", "0d", "-1d", "1.5h", "1w", "32d", "99999999999999999999d", "100000m", "yesterday",
                            "2026-03-10T12:00:01Z", "2026-02-07T11:59:59Z", "7d "}) {
    EXPECT_EQ(since_of({"--since", since}), "wrong usage") << since;
  }
  EXPECT_EQ(since_of({"--since"}), "wrong usage");
  EXPECT_EQ(since_of({"--repair"}), "wrong usage");
  EXPECT_EQ(since_of({"7d"}), "wrong usage");
}

TEST(ReconcileArguments, FlagsInAnyOrder) {
  const auto parsed = ReconcileArguments::parse({"--json", "--since", "7d", "--dry-run"}, now_here);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->dry_run);
  EXPECT_TRUE(parsed->json);
  EXPECT_FALSE(ReconcileArguments::parse({}, now_here)->dry_run);
}

}  // namespace
}  // namespace souk
