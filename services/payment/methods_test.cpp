#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"
#include "rules.hpp"

namespace souk::payment {
namespace {

using ::testing::ElementsAre;

class PaymentMethodsOfUsers : public PaymentTest {
 protected:
  static NewPaymentMethod visa(std::string token = "tok_success") {
    return {.type = SavedType::card,
            .token = std::move(token),
            .card_last4 = "4242",
            .card_brand = "visa",
            .card_exp_month = 12,
            .card_exp_year = 2099};
  }
  Result<PaymentMethod> add(NewPaymentMethod method, Uuid user = customer()) {
    return call(&Api::add_payment_method, AddPaymentMethod{.user_id = user, .method = std::move(method)});
  }
  std::vector<PaymentMethod> list(Uuid user = customer()) {
    return call(&Api::list_payment_methods, ListPaymentMethods{user})->data;
  }
  std::vector<std::string> ids(Uuid user = customer()) {
    std::vector<std::string> all;
    for (const auto& method : list(user)) all.push_back((method.is_default ? "*" : "") + method.id.to_string());
    return all;
  }
  Result<PaymentMethod> make_default(Uuid id, Uuid user = customer()) {
    return call(&Api::make_default_payment_method, PaymentMethodRef{user, id});
  }
  Result<Done> remove(Uuid id, Uuid user = customer()) {
    return call(&Api::delete_payment_method, PaymentMethodRef{user, id});
  }
  static Charge with_saved(Uuid order, Uuid method) {
    auto charge = card(order, "");
    charge.token.reset();
    charge.payment_method_id = method;
    return charge;
  }
};

TEST_F(PaymentMethodsOfUsers, AreSavedListedAndKeepTheirTokenToThemselves) {
  const auto saved = add(visa("tok_success"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->gateway, "simulator");
  EXPECT_EQ(saved->card_last4, "4242");
  EXPECT_TRUE(saved->is_default);
  EXPECT_EQ(json::write(list()), json::write(std::vector{*saved}));
  EXPECT_EQ(json::write(list()).find("tok_"), std::string::npos);
  EXPECT_EQ(sql("SELECT gateway_payment_method_id FROM payment_methods"), "tok_success");
}

TEST_F(PaymentMethodsOfUsers, TheSameTokenIsTheSameMethod) {
  const auto first = add(visa("tok_success"));
  auto again = visa("tok_success");
  again.card_last4 = "1111";
  EXPECT_EQ(json::write(*add(again)), json::write(*first));
  const auto other = add(visa("tok_slow"));
  EXPECT_FALSE(other->is_default);
  auto wanted = visa("tok_slow");
  wanted.is_default = true;
  EXPECT_EQ(add(wanted)->id, other->id);
  EXPECT_THAT(ids(), ElementsAre("*" + other->id.to_string(), first->id.to_string()));
  EXPECT_NE(add(visa("tok_success"), Uuid::v7())->id, first->id);  // somebody else's
}

TEST_F(PaymentMethodsOfUsers, OneIsTheDefaultWhateverIsAddedAndDeleted) {
  const auto one = add(visa("tok_1"))->id;
  const auto two = add(visa("tok_2"))->id;
  const auto three = add(visa("tok_3"))->id;
  EXPECT_THAT(ids(), ElementsAre("*" + one.to_string(), three.to_string(), two.to_string()));
  EXPECT_TRUE(make_default(two)->is_default);
  EXPECT_TRUE(make_default(two)->is_default);
  EXPECT_THAT(ids(), ElementsAre("*" + two.to_string(), three.to_string(), one.to_string()));
  EXPECT_TRUE(remove(two));
  EXPECT_THAT(ids(), ElementsAre("*" + three.to_string(), one.to_string()));
  EXPECT_TRUE(remove(one));
  EXPECT_TRUE(remove(three));
  EXPECT_EQ(code_of(remove(three)), "payment.payment_method_not_found");
  EXPECT_THAT(ids(), ElementsAre());
}

TEST_F(PaymentMethodsOfUsers, SomebodyElsesCanNeitherBeUsedNorTouched) {
  const auto theirs = add(visa(), Uuid::v7())->id;
  EXPECT_EQ(code_of(make_default(theirs)), "payment.payment_method_not_found");
  EXPECT_EQ(code_of(remove(theirs)), "payment.payment_method_not_found");
  const auto order = Uuid::v7();
  EXPECT_EQ(code_of(call(&Api::charge, with_saved(order, theirs))), "payment.payment_method_not_found");
  EXPECT_EQ(code_of(payment(order)), "payment.not_found");
  EXPECT_EQ(sql("SELECT count(*) FROM payment_methods"), "1");
}

TEST_F(PaymentMethodsOfUsers, ASavedMethodPays) {
  const auto saved = add(visa("tok_success"))->id;
  const auto order = Uuid::v7();
  EXPECT_EQ(call(&Api::charge, with_saved(order, saved))->status, PaymentStatus::succeeded);
  EXPECT_EQ(charges(order), "1");

  auto as_upi = with_saved(Uuid::v7(), saved);
  as_upi.method = Method::upi;
  EXPECT_EQ(code_of(call(&Api::charge, as_upi)), "payment.payment_method_not_found");
  auto elsewhere = with_saved(Uuid::v7(), saved);
  elsewhere.gateway = "elsewhere";
  EXPECT_EQ(code_of(call(&Api::charge, elsewhere)), "payment.payment_method_not_found");
  sql("UPDATE payment_methods SET gateway = 'closed_down'");
  EXPECT_EQ(code_of(call(&Api::charge, with_saved(Uuid::v7(), saved))), "payment.method_unavailable");
  expect_sound();
}

TEST_F(PaymentMethodsOfUsers, AChargeIsAskedForWhenItsMethodWasDeletedMeanwhile) {
  const auto saved = add(visa("tok_timeout_after_charge"))->id;
  const auto order = Uuid::v7();
  EXPECT_TRUE(call(&Api::charge, with_saved(order, saved))->outcome_unknown);
  EXPECT_TRUE(remove(saved));
  EXPECT_EQ(call(&Api::charge, with_saved(order, saved))->status, PaymentStatus::succeeded);
  EXPECT_EQ(charges(order), "1");
  expect_sound();
}

TEST_F(PaymentMethodsOfUsers, ACardsNumberIsNeverStored) {
  const std::string number = "4242 4242 4242 4242";
  const std::string together = "4242424242424242";
  EXPECT_EQ(code_of(add(visa(together))), "payment.card_number_refused");
  EXPECT_EQ(code_of(add(visa("tok_" + together))), "payment.card_number_refused");
  auto branded = visa();
  branded.card_brand = number;
  EXPECT_EQ(code_of(add(branded)), "payment.card_number_refused");
  EXPECT_EQ(code_of(add({.type = SavedType::wallet, .token = "tok", .wallet_type = number})),
            "payment.card_number_refused");
  EXPECT_EQ(code_of(add({.type = SavedType::upi, .token = "tok", .upi_id = together + "@bank"})),
            "payment.card_number_refused");
  EXPECT_EQ(code_of(pay(Uuid::v7(), together)), "payment.card_number_refused");
  EXPECT_EQ(sql("SELECT count(*) FROM payment_methods"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM payments"), "0");
}

TEST_F(PaymentMethodsOfUsers, TheirNumberIsLimited) {
  for (int i = 0; i < rules::max_payment_methods; ++i) EXPECT_TRUE(add(visa("tok_" + std::to_string(i))));
  EXPECT_EQ(code_of(add(visa("tok_more"))), "payment.too_many_payment_methods");
  EXPECT_TRUE(add(visa("tok_0")));  // it is there already
  EXPECT_TRUE(add(visa("tok_more"), Uuid::v7()));
}

TEST_F(PaymentMethodsOfUsers, ThirtyAtOnceKeepOneDefaultAndTheLimit) {
  std::vector<std::future<Result<PaymentMethod>>> running;
  for (int i = 0; i < 30; ++i) {
    auto method = visa("tok_" + std::to_string(i));
    method.is_default = i % 2 == 0;
    running.push_back(
        start(&Api::add_payment_method, AddPaymentMethod{.user_id = customer(), .method = std::move(method)}));
  }
  int added = 0;
  for (auto& one : running) {
    const auto result = one.get();
    added += result ? 1 : 0;
    if (!result) EXPECT_EQ(result.error().code, "payment.too_many_payment_methods");
  }
  EXPECT_EQ(added, rules::max_payment_methods);
  EXPECT_EQ(sql("SELECT count(*) FROM payment_methods WHERE is_default"), "1");
}

TEST_F(PaymentMethodsOfUsers, OneTokenThirtyTimesAtOnceIsOneMethod) {
  std::vector<std::future<Result<PaymentMethod>>> running;
  for (int i = 0; i < 30; ++i) {
    running.push_back(start(&Api::add_payment_method, AddPaymentMethod{.user_id = customer(), .method = visa()}));
  }
  for (auto& one : running) EXPECT_TRUE(one.get());
  EXPECT_EQ(sql("SELECT count(*) FROM payment_methods"), "1");
}

TEST_F(PaymentMethodsOfUsers, WhereverAnAdditionBreaksARepetitionSavesItOnce) {
  for (const auto* place : {"payment.before_method_commit", "payment.after_method_commit"}) {
    SCOPED_TRACE(place);
    const auto user = Uuid::v7();
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(add(visa(), user), std::runtime_error);
    EXPECT_TRUE(add(visa(), user));
    EXPECT_EQ(list(user).size(), 1u);
  }
}

}  // namespace
}  // namespace souk::payment
