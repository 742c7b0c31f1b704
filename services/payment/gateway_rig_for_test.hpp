#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>

#include "fixture_for_test.hpp"
#include "gateways/stripe.hpp"
#include "http/client.hpp"

// What a test of every gateway needs of one: a real server of its dialect, and means that show each behaviour.
namespace souk::payment {

// What is to happen with the payment that pays with token(…) of it.
enum class Play {
  success,
  declined,      // card_declined
  no_funds,      // insufficient_funds
  unknown,       // no token of the gateway: invalid_token
  customer,      // the customer must approve
  lost_after,    // charged, and the answer is lost
  error_after,   // charged, and the answer is HTTP 500
  error_before,  // HTTP 500 the first time, and nothing is charged
  capture_lost,  // charged where money is held; the answer to the first capture is lost
  refund_fails,
  refund_lost,    // the answer to the first refund is lost
  refund_pending  // done by the time that somebody asks again
};

class GatewayRig {
 public:
  virtual ~GatewayRig() = default;

  virtual Gateway& gateway() = 0;
  // Means that play it; what else it takes is set up here.
  virtual std::string token(Play play) = 0;
  // The customer's word; false where nobody waits for it (any more).
  virtual bool decide(const Payment& payment, bool approved) = 0;
  // How often, and how much in the gateway's units, money was moved for the order by the gateway's own books.
  virtual std::int64_t charges(Uuid order_id) = 0;
  virtual std::int64_t charged(Uuid order_id) = 0;
  virtual std::int64_t refunded(Uuid order_id) = 0;
};

// A gateway's program of tests/gateways, until the end of the object.
class GatewayProgram {
 public:
  GatewayProgram(Runtime& runtime, const std::string& name) : runtime_(runtime), client_(runtime) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string program = "python3";
    std::string script = std::string(SOUK_SOURCE_DIR) + "/tests/gateways/" + name + ".py";
    std::array<char*, 3> words{program.data(), script.data(), nullptr};
    if (posix_spawnp(&pid_, program.c_str(), &actions, nullptr, words.data(), environ) != 0) {
      throw std::runtime_error("python3 cannot be started");
    }
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    stdin_ = in[1];
    std::unique_ptr<FILE, int (*)(FILE*)> port(fdopen(out[0], "r"), fclose);
    if (std::fscanf(port.get(), "%d", &port_) != 1) throw std::runtime_error(script + " does not start");
  }
  // It serves until its standard input ends.
  ~GatewayProgram() {
    close(stdin_);
    waitpid(pid_, nullptr, 0);
  }
  GatewayProgram(const GatewayProgram&) = delete;
  GatewayProgram& operator=(const GatewayProgram&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

  // A call of a test's or a customer's to the program.
  http::ClientResponse try_post(const std::string& path, const std::string& body = "") {
    return runtime_.block_on(client_.fetch(
        Context(),
        {.method = http::Method::POST, .url = url() + path, .body = body, .timeout = std::chrono::seconds(10)}));
  }
  std::string post(const std::string& path, const std::string& body = "") {
    const auto reply = try_post(path, body);
    if (reply.status != 200) throw std::runtime_error(fmt::format("{} answers {}", path, reply.status));
    return reply.body;
  }
  void set_fault(const std::string& call, const std::string& fault) {
    post("/_test/faults", fmt::format(R"({{"call": "{}", "fault": "{}"}})", call, fault));
  }

  struct Movement {
    std::string payment;
    std::optional<std::string> order_id;
    std::string kind;
    std::int64_t amount = 0;
    std::string currency;
    BOOST_DESCRIBE_CLASS(Movement, (), (payment, order_id, kind, amount, currency), (), ())
  };
  struct Books {
    std::vector<Movement> movements;
    std::vector<std::string> calls;
    BOOST_DESCRIBE_CLASS(Books, (), (movements, calls), (), ())
  };
  Books books() { return json::read_trusted<Books>(post("/_test/books")); }
  // Amounts that were moved for an order: "charge" or "refund".
  std::vector<std::int64_t> moved(Uuid order_id, std::string_view kind) {
    std::vector<std::int64_t> amounts;
    for (const auto& movement : books().movements) {
      if (movement.order_id == order_id.to_string() && movement.kind == kind) amounts.push_back(movement.amount);
    }
    return amounts;
  }

 private:
  Runtime& runtime_;
  http::Client client_;
  pid_t pid_ = 0;
  int stdin_ = -1;
  int port_ = 0;
};

class StripeRig final : public GatewayRig {
 public:
  static constexpr const char* webhook_secret = "whsec_of_the_tests";

  explicit StripeRig(Runtime& runtime)
      : program(runtime, "stripe"),
        client_(runtime, {.connect_timeout = std::chrono::seconds(2)}),
        stripe_(client_, {.url = program.url(),
                          .secret_key = "sk_test_souk",
                          .webhook_secrets = {webhook_secret},
                          .timeout = std::chrono::milliseconds(400),
                          .breaker = {.failures = 5, .first_pause = std::chrono::milliseconds(20)}}) {}

  Gateway& gateway() override { return stripe_; }
  std::string token(Play play) override {
    if (play == Play::capture_lost) program.set_fault("capture", "hang_after");
    if (play == Play::refund_lost) program.set_fault("refund", "hang_after");
    switch (play) {
      case Play::declined: return "pm_card_chargeDeclined";
      case Play::no_funds: return "pm_card_chargeDeclinedInsufficientFunds";
      case Play::unknown: return "pm_of_somebody_else";
      case Play::customer: return "pm_card_authenticationRequired";
      case Play::lost_after: return "pm_fault_hang_after";
      case Play::error_after: return "pm_fault_error_after";
      case Play::error_before: return "pm_fault_error_before";
      case Play::refund_fails: return "pm_card_refundFail";
      case Play::refund_pending: return "pm_card_pendingRefund";
      default: return "pm_card_visa";
    }
  }
  bool decide(const Payment& payment, bool approved) override {
    return program
               .try_post(fmt::format("/customer/{}?decision={}", payment.gateway_payment_id.value(),
                                     approved ? "approve" : "reject"))
               .status == 303;
  }
  std::int64_t charges(Uuid order_id) override { return std::ssize(program.moved(order_id, "charge")); }
  std::int64_t charged(Uuid order_id) override { return sum(program.moved(order_id, "charge")); }
  std::int64_t refunded(Uuid order_id) override {
    program.post("/_test/settle");
    return sum(program.moved(order_id, "refund"));
  }

  GatewayProgram program;

 private:
  static std::int64_t sum(const std::vector<std::int64_t>& amounts) {
    return std::accumulate(amounts.begin(), amounts.end(), std::int64_t{0});
  }

  http::Client client_;
  Stripe stripe_;
};

class SimulatorRig final : public GatewayRig {
 public:
  SimulatorRig(Runtime& runtime, Simulator& simulator, souk::testing::TestDatabase& database)
      : runtime_(runtime), simulator_(simulator), database_(database) {}

  Gateway& gateway() override { return simulator_; }
  std::string token(Play play) override {
    switch (play) {
      case Play::success: return "tok_success";
      case Play::declined: return "tok_declined";
      case Play::no_funds: return "tok_insufficient_funds";
      case Play::unknown: return "tok_of_somebody_else";
      case Play::customer: return "tok_three_d_secure";
      case Play::lost_after: return "tok_timeout_after_charge";
      case Play::error_after: return "tok_error_after_charge";
      case Play::error_before: return "tok_error_before_charge";
      case Play::capture_lost: return "tok_capture_timeout";
      case Play::refund_fails: return "tok_refund_fails";
      case Play::refund_lost: return "tok_refund_timeout";
      case Play::refund_pending: return "tok_refund_pending";
    }
    std::unreachable();
  }
  bool decide(const Payment& payment, bool approved) override {
    const auto& id = payment.gateway_payment_id.value();
    return runtime_.block_on(simulator_.decide(souk::testing::test_context(), id, approved)).has_value();
  }
  std::int64_t charges(Uuid order_id) override { return number("count(*)", order_id); }
  std::int64_t charged(Uuid order_id) override { return number("COALESCE(sum(amount), 0)", order_id); }
  std::int64_t refunded(Uuid order_id) override { return number("COALESCE(sum(refunded), 0)", order_id); }

 private:
  std::int64_t number(const std::string& what, Uuid order_id) {
    return std::stoll(database_.sql("SELECT " + what +
                                    " FROM simulator.payments WHERE status = 'succeeded' AND key = '" +
                                    order_id.to_string() + "'"));
  }

  Runtime& runtime_;
  Simulator& simulator_;
  souk::testing::TestDatabase& database_;
};

}  // namespace souk::payment
