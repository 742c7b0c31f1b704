#include "placement.hpp"

#include <gtest/gtest.h>

#include "core/runtime.hpp"

namespace souk {
namespace {

TEST(Placement, NamesServicesAndTheGateway) {
  const auto one = Placement::parse("order");
  EXPECT_TRUE(one.has("order"));
  EXPECT_FALSE(one.has("cart"));
  EXPECT_FALSE(one.gateway);
  const auto both = Placement::parse("gateway,cart");
  EXPECT_TRUE(both.has("cart"));
  EXPECT_TRUE(both.gateway);
}

TEST(Placement, RefusesWhatIsNoService) {
  for (const auto* names : {"", "orders", "order,", ",order", "order cart"}) {
    EXPECT_THROW(Placement::parse(names), std::invalid_argument) << names;
  }
}

TEST(Placement, EverythingIsAllServicesAndTheGateway) {
  const auto placement = Placement::everything();
  EXPECT_TRUE(placement.gateway);
  EXPECT_EQ(placement.services.size(), all_services.size());
}

TEST(Placement, EachServiceHasASettingForItsUrl) {
  Runtime runtime(1);
  http::Client client(runtime);
  Peers peers(client, "key");
  for (const auto service : all_services) {
    try {
      peers.get(std::string(service));
      FAIL() << service;
    } catch (const std::runtime_error& e) {
      EXPECT_TRUE(std::string_view(e.what()).starts_with(url_setting(service) + " is not set")) << e.what();
    }
  }
}

}  // namespace
}  // namespace souk
