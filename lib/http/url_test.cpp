#include "http/url.hpp"

#include <gtest/gtest.h>

#include "http/trace.hpp"

namespace souk::http {
namespace {

TEST(Url, PercentDecoding) {
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%C3%a9"), "\xc3\xa9");
  for (const auto* bad : {"%", "%1", "%zz", "%00", "%ff", "%c0%ae", "%ed%a0%80"}) {
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  }
}

TEST(Url, EncodingIsUndoneByDecoding) {
  EXPECT_EQ(percent_encode("a b/\xc3\xa9&"), "a%20b%2F%C3%A9%26");
  EXPECT_EQ(percent_encode_path("/a b/c"), "/a%20b/c");
}

TEST(Url, QueryPairs) {
  const auto pairs = parse_query("a=1&b=x%26y&&c&d=e=f");
  ASSERT_TRUE(pairs);
  EXPECT_EQ(*pairs, (QueryPairs{{"a", "1"}, {"b", "x&y"}, {"c", ""}, {"d", "e=f"}}));
  EXPECT_EQ(parse_query("")->size(), 0);
  EXPECT_EQ(parse_query("a=%zz"), std::nullopt);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "a=1&";
  EXPECT_EQ(parse_query(many), std::nullopt);
}

TEST(Url, AbsoluteUrls) {
  const auto url = Url::parse("https://shop.example:8443/a?b=c");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "shop.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a?b=c");
  EXPECT_EQ(url->authority, "shop.example:8443");
  EXPECT_EQ(Url::parse("http://[::1]:80")->host, "::1");
  EXPECT_EQ(Url::parse("http://x?y")->target, "/?y");
  for (const auto* bad : {"ftp://x/", "http:///a", "http://user@x/", "http://x:0/", "http://x:99999/", "http://x:/",
                          "http://x/\r\nHost: y", "http://x/#f", "/a", ""}) {
    EXPECT_FALSE(Url::parse(bad)) << bad;
  }
}

TEST(Trace, ContextIsCarriedOnlyWhenValid) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(valid_traceparent(good), good);
  EXPECT_EQ(valid_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), "");
  EXPECT_EQ(valid_traceparent("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(valid_traceparent("garbage"), "");
  const auto child = child_traceparent(good);
  EXPECT_EQ(valid_traceparent(child), child);
  EXPECT_EQ(child.substr(0, 36), good.substr(0, 36));
  EXPECT_NE(child, good);
  EXPECT_EQ(child_traceparent(""), "");
}

TEST(Trace, RequestIds) {
  EXPECT_EQ(request_id_or_new("abc-1.2_3"), "abc-1.2_3");
  EXPECT_NE(request_id_or_new(""), request_id_or_new(""));
  EXPECT_NE(request_id_or_new("a b"), "a b");
  EXPECT_NE(request_id_or_new(std::string(65, 'a')), std::string(65, 'a'));
}

}  // namespace
}  // namespace souk::http
