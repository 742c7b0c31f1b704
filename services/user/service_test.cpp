#include "service.hpp"

#include <future>

#include "fixture_for_test.hpp"
#include "http/message.hpp"

namespace souk::user {
namespace {

class UserService : public UserTest {
 protected:
  User enrolled(const std::string& email) {
    enroll(email);
    return log_in(email).value().user;
  }
  static NewAddress address(const std::string& name) {
    return {.full_name = name,
            .phone = "+1 555 010 9999",
            .address_line1 = "1 Main Street",
            .city = "Springfield",
            .state = "IL",
            .postal_code = "62701",
            .country = "US"};
  }
  Address add(Uuid user, NewAddress address) {
    return call(&Api::add_address, AddAddress{user, std::move(address)}, customer(user)).value();
  }
  std::vector<Address> addresses(Uuid user) {
    return call(&Api::list_addresses, UserRef{user}, customer(user)).value().data;
  }
};

TEST_F(UserService, RegisteringAnswersTheSameForAKnownEmail) {
  const auto first = call(&Api::register_user, account("anna@example.com"));
  const auto second = call(&Api::register_user, account("ANNA@example.com"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->status, second->status);
  EXPECT_EQ(sql("SELECT count(*) FROM users"), "1");
  EXPECT_EQ(count_events("user.registered"), "1");
  EXPECT_EQ(count_events("registration.repeated"), "1");
}

TEST_F(UserService, ARepeatedRegistrationChangesNothingOfTheAccount) {
  enroll("anna@example.com");
  auto again = account("anna@example.com");
  again.password = "another password";
  again.first_name = "Mallory";
  ASSERT_TRUE(call(&Api::register_user, again));
  EXPECT_EQ(code_of(log_in("anna@example.com", "another password")), "auth.invalid_credentials");
  EXPECT_EQ(log_in("anna@example.com").value().user.first_name, "Anna");
}

TEST_F(UserService, ThirtyRegistrationsOfOneEmailAtOnceMakeOneAccount) {
  std::vector<std::future<Result<Registered>>> replies;
  for (std::size_t i = 0; i < 30; ++i) {
    replies.push_back(std::async(std::launch::async, [this, i] {
      return call(&Api::register_user, account(i % 2 ? "anna@example.com" : "Anna@Example.com"), {}, i % 2);
    }));
  }
  for (auto& reply : replies) EXPECT_TRUE(reply.get());
  EXPECT_EQ(sql("SELECT count(*) FROM users"), "1");
  EXPECT_EQ(count_events("registration.repeated"), "29");
}

TEST_F(UserService, ThePasswordIsStoredAsAnArgon2idHash) {
  enroll("anna@example.com");
  EXPECT_TRUE(sql("SELECT password_hash FROM users").starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
}

TEST_F(UserService, ACommandMakesAnAdminOnce) {
  const CreateUser request{.account = account("root@example.com"), .role = Role::admin};
  const auto made = call(&Api::create_user, request);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->role, Role::admin);
  EXPECT_EQ(code_of(call(&Api::create_user, request)), "user.email_taken");
  ASSERT_TRUE(log_in("root@example.com"));
  EXPECT_EQ(sessions_.live.begin()->second.role, session::Role::admin);
}

TEST_F(UserService, OneChangesWhatOneIsCalledAndNothingElse) {
  const auto anna = enrolled("anna@example.com");
  const auto changed =
      call(&Api::patch_user, PatchUser{.user_id = anna.id, .first_name = "Anne", .phone = "+46 8 123 456"},
           customer(anna.id));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->first_name, "Anne");
  EXPECT_EQ(changed->last_name, "Berg");
  EXPECT_EQ(changed->phone, "+46 8 123 456");
  EXPECT_GT(changed->updated_at, anna.updated_at);
}

TEST_F(UserService, AnothersDataIsNotFound) {
  const auto anna = enrolled("anna@example.com");
  const auto bert = enrolled("bert@example.com");
  const auto home = add(anna.id, address("Anna"));
  const auto as_bert = customer(bert.id);
  EXPECT_EQ(code_of(call(&Api::get_user, UserRef{anna.id}, as_bert)), "user.not_found");
  EXPECT_EQ(code_of(call(&Api::patch_user, PatchUser{.user_id = anna.id}, as_bert)), "user.not_found");
  EXPECT_EQ(code_of(call(&Api::list_addresses, UserRef{anna.id}, as_bert)), "user.not_found");
  for (const auto owner : {anna.id, bert.id}) {
    const AddressRef ref{owner, home.id};
    EXPECT_EQ(code_of(call(&Api::get_address, ref, as_bert)), "user.address_not_found");
    EXPECT_EQ(code_of(call(&Api::patch_address, PatchAddress{ref, {}}, as_bert)), "user.address_not_found");
    EXPECT_EQ(code_of(call(&Api::delete_address, ref, as_bert)), "user.address_not_found");
  }
  EXPECT_EQ(code_of(call(&Api::get_address, AddressRef{anna.id, home.id}, {})), "user.address_not_found");
  EXPECT_TRUE(call(&Api::get_address, AddressRef{anna.id, home.id}, {.kind = Caller::Kind::service}));
}

TEST_F(UserService, TheFirstAddressOfATypeIsItsDefaultAndANewDefaultTakesItsPlace) {
  const auto anna = enrolled("anna@example.com");
  EXPECT_TRUE(add(anna.id, address("First")).is_default);
  EXPECT_FALSE(add(anna.id, address("Second")).is_default);
  auto billing = address("Billing");
  billing.address_type = AddressType::billing;
  EXPECT_TRUE(add(anna.id, billing).is_default);
  auto third = address("Third");
  third.is_default = true;
  EXPECT_TRUE(add(anna.id, third).is_default);
  EXPECT_EQ(sql("SELECT string_agg(full_name, ',' ORDER BY full_name) FROM user_addresses WHERE is_default"),
            "Billing,Third");
}

TEST_F(UserService, DeletingADefaultMakesTheNewestOfItsTypeTheDefault) {
  const auto anna = enrolled("anna@example.com");
  const auto first = add(anna.id, address("First"));
  add(anna.id, address("Second"));
  add(anna.id, address("Third"));
  ASSERT_TRUE(call(&Api::delete_address, AddressRef{anna.id, first.id}, customer(anna.id)));
  const auto left = addresses(anna.id);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].full_name, "Third");
  EXPECT_TRUE(left[0].is_default);
}

TEST_F(UserService, AnAddressThatBecomesAnotherTypeLeavesItsPlaceToTheNext) {
  const auto anna = enrolled("anna@example.com");
  const auto first = add(anna.id, address("First"));
  add(anna.id, address("Second"));
  const auto moved = call(&Api::patch_address,
                          PatchAddress{{anna.id, first.id}, {.address_type = AddressType::billing, .city = "Berlin"}},
                          customer(anna.id));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->city, "Berlin");
  EXPECT_EQ(moved->full_name, "First");
  EXPECT_EQ(sql("SELECT string_agg(full_name || ' ' || address_type, ',' ORDER BY full_name) FROM user_addresses "
                "WHERE is_default"),
            "First billing,Second shipping");
}

TEST_F(UserService, ThereIsOneDefaultHoweverManyAreAddedAtOnce) {
  const auto anna = enrolled("anna@example.com");
  std::vector<std::future<void>> all;
  for (std::size_t i = 0; i < 20; ++i) {
    all.push_back(std::async(std::launch::async, [&, i] {
      auto one = address("Address");
      one.is_default = true;
      EXPECT_TRUE(call(&Api::add_address, AddAddress{anna.id, one}, customer(anna.id), i % 2));
    }));
  }
  all.clear();
  EXPECT_EQ(sql("SELECT count(*) FROM user_addresses WHERE is_default"), "1");
}

TEST_F(UserService, FiftyAddressesAreTheMost) {
  const auto anna = enrolled("anna@example.com");
  for (int i = 0; i < rules::max_addresses; ++i) add(anna.id, address("Address"));
  EXPECT_EQ(code_of(call(&Api::add_address, AddAddress{anna.id, address("More")}, customer(anna.id))),
            "user.too_many_addresses");
}

TEST_F(UserService, AWriteWithAnOldEntityTagIsRefused) {
  const auto anna = enrolled("anna@example.com");
  const auto home = add(anna.id, address("Home"));
  const auto tag = http::etag_of(json::write(home));
  const AddressRef ref{.user_id = anna.id, .address_id = home.id, .if_match = tag};
  ASSERT_TRUE(call(&Api::patch_address, PatchAddress{ref, {.city = "Berlin"}}, customer(anna.id)));
  EXPECT_EQ(code_of(call(&Api::patch_address, PatchAddress{ref, {.city = "Rome"}}, customer(anna.id))),
            "request.precondition_failed");
  EXPECT_EQ(code_of(call(&Api::delete_address, ref, customer(anna.id))), "request.precondition_failed");
  EXPECT_EQ(addresses(anna.id)[0].city, "Berlin");
}

}  // namespace
}  // namespace souk::user
