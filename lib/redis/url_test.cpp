#include "redis/url.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace souk::redis {
namespace {

TEST(RedisUrl, HostPortPasswordAndDatabaseAreRead) {
  const auto plain = parse_url("redis://127.0.0.1:6380");
  EXPECT_EQ(plain.host, "127.0.0.1");
  EXPECT_EQ(plain.port, 6380);
  EXPECT_EQ(plain.database, 0);
  const auto full = parse_url("redis://souk:p%40ss%3A@[::1]:7000/3");
  EXPECT_EQ(full.user, "souk");
  EXPECT_EQ(full.password, "p@ss:");
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.port, 7000);
  EXPECT_EQ(full.database, 3);
  EXPECT_EQ(full.name(), "::1:7000 db 3");
  EXPECT_EQ(parse_url("redis://:secret@redis.internal/").port, 6379);
}

TEST(RedisUrl, UnixSocketHasAPathAndADatabase) {
  const auto target = parse_url("unix:///run/souk/redis.sock?db=2");
  EXPECT_EQ(target.path, "/run/souk/redis.sock");
  EXPECT_EQ(target.database, 2);
  EXPECT_EQ(parse_url("unix:///run/s").database, 0);
}

TEST(RedisUrl, AnythingElseIsRefused) {
  const auto longest = std::string("unix:///") + std::string(107, 'x');
  for (const std::string url :
       {"", "localhost:6379", "http://host", "rediss://host", "redis://", "redis://host:port", "redis://host:70000",
        "redis://host/x", "redis://secret@host", "redis://:p%4@host", "redis://[::1", "redis://[::1]6379",
        "unix://relative", "unix:///s?password=1", "unix:///s?db=-1", longest.c_str()}) {
    EXPECT_THROW(parse_url(url), std::invalid_argument) << url;
  }
}

}  // namespace
}  // namespace souk::redis
