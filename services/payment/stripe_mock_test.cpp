#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/failure.hpp"
#include "gateways/stripe.hpp"
#include "testing/engines.hpp"

// Our requests against stripe-mock, which checks them by the OpenAPI document that Stripe publishes: a parameter that
// Stripe does not know, or of another type, is refused. It remembers nothing, so its replies are not looked at.
//   go install github.com/stripe/stripe-mock@v0.197.0
namespace souk::payment {
namespace {

std::uint16_t free_port() {
  asio::io_context io;
  return asio::ip::tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

class StripeMock : public ::testing::Test {
 protected:
  void SetUp() override {
    url_ = "http://127.0.0.1:" + std::to_string(free_port());
    std::array<std::string, 5> options{"stripe-mock", "-http-addr", url_.substr(7), "-https-addr", "127.0.0.1:0"};
    std::array<char*, 6> words{};
    for (std::size_t i = 0; i < options.size(); ++i) words[i] = options[i].data();
    log_ = std::filesystem::temp_directory_path() / ("souk-stripe-mock-" + Uuid::v7().to_string());
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_.c_str(), O_CREAT | O_WRONLY, 0600);
    const int failure = posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
      pid_ = 0;
      GTEST_SKIP() << "stripe-mock is not in PATH";
    }
    stripe_ = std::make_unique<Stripe>(
        client_, StripeOptions{.url = url_, .secret_key = "sk_test_123", .breaker = {.failures = 1'000}});
    for (int i = 0; i < 600 && !answers(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  void TearDown() override {
    std::filesystem::remove(log_);
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  bool answers() {
    try {
      runtime_.block_on(client_.fetch(Context(), {.url = url_ + "/v1/refunds"}));
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  // Calls the adapter; the mock's intent is in no state that it expects.
  template <class T>
  void ask(Task<T> task) {
    try {
      (void)runtime_.block_on(std::move(task));
    } catch (const UnknownOutcome&) {
    }
  }
  // How often it answered with this status, "POST /v1/… 200" by its own log.
  int answered(const std::string& request, const std::string& status) {
    std::ifstream log(log_);
    std::string line;
    int count = 0;
    for (bool asked = false; std::getline(log, line);) {
      if (line.starts_with("Request: ")) asked = line == "Request: " + request;
      if (asked && line.ends_with("status=" + status)) ++count;
    }
    return count;
  }
  static Context context() { return souk::testing::test_context(); }

  Runtime runtime_{1};
  http::Client client_{runtime_, {.connect_timeout = std::chrono::seconds(2)}};
  std::string url_;
  pid_t pid_ = 0;
  std::filesystem::path log_;
  std::unique_ptr<Stripe> stripe_;
  GatewayCharge wanted_{.key = Uuid::v7().to_string(),
                        .id = "pi_1",
                        .amount = Amount(10'000),
                        .currency = "USD",
                        .method = Method::card,
                        .token = "pm_card_visa",
                        .return_url = "https://shop.example/back?a=1&b=2"};
  GatewayRef payment_{.key = wanted_.key, .id = "pi_1"};
  GatewayRefundRequest refund_{.key = "refund/1", .payment_id = "pi_1", .amount = Amount(100), .currency = "USD"};
};

TEST_F(StripeMock, AMistakeIsSeen) {
  http::ClientRequest wrong{.method = http::Method::POST, .url = url_ + "/v1/payment_intents"};
  wrong.headers = {{"Authorization", "Bearer sk_test_123"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  wrong.body = form({{"amount", "1"}, {"currency", "usd"}, {"order", "1"}});
  EXPECT_EQ(runtime_.block_on(client_.fetch(Context(), wrong)).status, 400);
  EXPECT_EQ(answered("POST /v1/payment_intents", "400"), 1);
}

TEST_F(StripeMock, OpeningIsARequestOfStripes) {
  for (const bool later : {false, true}) {
    wanted_.capture_later = later;
    EXPECT_EQ(runtime_.block_on(stripe_->open(context(), wanted_)).state, GatewayState::processing);
  }
  EXPECT_EQ(answered("POST /v1/payment_intents", "200"), 2);
}

TEST_F(StripeMock, ConfirmingIsARequestOfStripes) {
  ask(stripe_->charge(context(), wanted_));
  wanted_.return_url.reset();
  ask(stripe_->charge(context(), wanted_));
  EXPECT_EQ(answered("POST /v1/payment_intents/pi_1/confirm", "200"), 2);
}

TEST_F(StripeMock, ReadingCapturingAndCancellingAreRequestsOfStripes) {
  ask(stripe_->find(context(), payment_));
  ask(stripe_->capture(context(), payment_));
  ask(stripe_->cancel(context(), payment_));
  EXPECT_EQ(answered("GET /v1/payment_intents/pi_1", "200"), 2);
  EXPECT_EQ(answered("POST /v1/payment_intents/pi_1/capture", "200"), 1);
  EXPECT_EQ(answered("POST /v1/payment_intents/pi_1/cancel", "200"), 2);
}

TEST_F(StripeMock, RefundingIsARequestOfStripes) {
  ask(stripe_->refund(context(), refund_));
  EXPECT_EQ(answered("POST /v1/refunds", "200"), 1);
  ask(stripe_->find_refund(context(), refund_));
  EXPECT_EQ(answered("GET /v1/refunds", "200"), 1);
}

}  // namespace
}  // namespace souk::payment
