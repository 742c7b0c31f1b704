#include "webhook_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <stdexcept>

#include "core/crypto.hpp"
#include "errors.hpp"
#include "http/url.hpp"
#include "inventory/api.hpp"
#include "mime.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "public_address.hpp"

namespace souk::notification::webhooks {

// What payments tell: what a merchant's books need, and nothing that a gateway said in confidence.
struct PaymentData {
  Uuid payment_id;
  std::string payment_number;
  Uuid order_id;
  payment::PaymentStatus status{};
  bool authorized = false;
  Amount amount;
  Amount refunded;
  std::string currency;
  payment::Method payment_method{};
  std::optional<std::string> payment_gateway;
  std::optional<std::string> gateway_payment_id;
  std::optional<std::string> failure_reason;
};
BOOST_DESCRIBE_STRUCT(PaymentData, (),
                      (payment_id, payment_number, order_id, status, authorized, amount, refunded, currency,
                       payment_method, payment_gateway, gateway_payment_id, failure_reason))

struct TestData {
  Uuid webhook_id;
};
BOOST_DESCRIBE_STRUCT(TestData, (), (webhook_id))

namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr std::array<std::string_view, 6> order_types{"order.confirmed", "order.processing", "order.shipped",
                                                      "order.delivered", "order.cancelled",  "order.refunded"};
constexpr std::string_view payment_type = "payment.changed";
constexpr std::string_view low_stock_type = "inventory.low_stock";
constexpr std::array<std::string_view, 11> types_there_are{
    "order.*",        "order.confirmed", "order.processing", "order.shipped", "order.delivered", "order.cancelled",
    "order.refunded", "payment.*",       payment_type,       "inventory.*",   low_stock_type};

constexpr std::array<seconds, 9> ladder{5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h};
constexpr seconds longest_wait = 24h;
constexpr seconds longest_pause = 1h;
constexpr seconds given_up_after = 6 * 24h;
constexpr std::size_t excerpt_length = 500;
constexpr std::string_view prefix = "whsec_";

std::string_view text_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

template <class Data>
std::string body_of(std::string_view type, Timestamp at, const Data& data) {
  return fmt::format(R"({{"type":"{}","timestamp":"{}","data":{}}})", type, to_rfc3339(at), json::write(data));
}

std::optional<std::string> wrong_with(const std::string& text, bool allow_private) {
  const auto url = http::Url::parse(text);
  if (!url) return "must be an https URL without a user and a fragment";
  if (allow_private) return std::nullopt;
  if (!url->tls) return "must begin with https://";
  boost::system::error_code no_address;
  asio::ip::make_address(url->host, no_address);
  if (url->host == "localhost" || url->host.ends_with(".localhost") || (!no_address && !is_public_address(url->host))) {
    return "must be reached over the public internet";
  }
  return std::nullopt;
}

// From base64, as RFC 4648 section 4 has it. Nothing for what is not.
std::optional<std::string> bytes_of(std::string_view base64) {
  while (base64.ends_with('=')) base64.remove_suffix(1);
  std::string url_safe(base64);
  std::ranges::replace(url_safe, '+', '-');
  std::ranges::replace(url_safe, '/', '_');
  return from_base64url(url_safe);
}

}  // namespace

std::optional<Told> of_order_event(const events::Event& event) {
  if (std::ranges::find(order_types, event.type) == order_types.end()) return std::nullopt;
  const auto order = json::read_trusted<order::OrderEvent>(event.payload.text);
  return Told{.type = event.type,
              .subject_id = order.order_id.to_string(),
              .occurrence = {},
              .body = body_of(event.type, event.created_at, order)};
}

std::optional<Told> of_payment_event(const events::Event& event) {
  if (event.type != payment_type) return std::nullopt;
  const auto payment = json::read_trusted<payment::Payment>(event.payload.text);
  const PaymentData data{.payment_id = payment.id,
                         .payment_number = payment.payment_number,
                         .order_id = payment.order_id,
                         .status = payment.status,
                         .authorized = payment.authorized,
                         .amount = payment.amount,
                         .refunded = payment.refunded,
                         .currency = payment.currency,
                         .payment_method = payment.payment_method,
                         .payment_gateway = payment.payment_gateway,
                         .gateway_payment_id = payment.gateway_payment_id,
                         .failure_reason = payment.failure_reason};
  return Told{.type = event.type,
              .subject_id = payment.order_id.to_string(),
              .occurrence = event.id.to_string(),
              .body = body_of(event.type, event.created_at, data)};
}

std::optional<Told> of_stock_event(const events::Event& event) {
  if (event.type != "stock.low") return std::nullopt;
  const auto stock = json::read_trusted<inventory::StockLow>(event.payload.text);
  return Told{.type = std::string(low_stock_type),
              .subject_id = stock.product_id,
              .occurrence = event.id.to_string(),
              .body = body_of(low_stock_type, event.created_at, stock)};
}

Told test_event(Uuid endpoint_id, Timestamp at) {
  return {.type = "webhook.test",
          .subject_id = endpoint_id.to_string(),
          .occurrence = Uuid::v7().to_string(),
          .body = body_of("webhook.test", at, TestData{endpoint_id})};
}

bool wants(const std::vector<std::string>& event_types, std::string_view type) {
  if (event_types.empty()) return true;
  return std::ranges::any_of(event_types, [type](std::string_view wanted) {
    if (wanted == type) return true;
    return wanted.ends_with(".*") && type.starts_with(wanted.substr(0, wanted.size() - 1));
  });
}

std::string secret_of(const std::string& key, Uuid endpoint_id, std::int64_t version) {
  const auto digest = hmac_sha256(key, fmt::format("{}:{}", endpoint_id.to_string(), version));
  return std::string(prefix) + mime::base64(text_of(digest));
}

std::string signature(const std::string& secret, std::string_view message_id, std::int64_t unix_seconds,
                      std::string_view body) {
  const auto key = secret.starts_with(prefix) ? bytes_of(std::string_view(secret).substr(prefix.size())) : std::nullopt;
  if (!key) throw std::invalid_argument("not a secret of a webhook");
  return "v1," + mime::base64(text_of(hmac_sha256(*key, fmt::format("{}.{}.{}", message_id, unix_seconds, body))));
}

std::string signatures(const std::string& key, Uuid endpoint_id, std::int64_t oldest_version,
                       std::int64_t newest_version, std::string_view message_id, std::int64_t unix_seconds,
                       std::string_view body) {
  std::string all;
  for (auto version = newest_version; version >= oldest_version; --version) {
    if (!all.empty()) all += ' ';
    all += signature(secret_of(key, endpoint_id, version), message_id, unix_seconds, body);
  }
  return all;
}

Result<void> check_event_types(const std::vector<std::string>& event_types) {
  std::vector<FieldError> wrong;
  for (std::size_t i = 0; i < event_types.size() && wrong.size() < 20; ++i) {
    if (std::ranges::find(types_there_are, event_types[i]) != types_there_are.end()) continue;
    wrong.push_back({.field = fmt::format("event_types[{}]", i),
                     .code = "webhook.unknown_event_type",
                     .detail = fmt::format("must be one of {}", fmt::join(types_there_are, ", "))});
  }
  if (!wrong.empty()) return errors::unknown_event_type(std::move(wrong));
  return {};
}

Result<void> check_url(const std::string& url, bool allow_private) {
  if (auto wrong = wrong_with(url, allow_private)) return errors::invalid_url(*std::move(wrong));
  return {};
}

Verdict judge(const Reply& reply, std::int64_t attempts, seconds age, double chance) {
  Verdict verdict{.outcome = Outcome::try_again, .detail = printable(reply.excerpt, excerpt_length)};
  if (reply.status >= 200 && reply.status < 300) {
    verdict.outcome = Outcome::taken;
    return verdict;
  }
  if (reply.status == 0) verdict.detail = printable(reply.failure, excerpt_length);
  if (reply.status >= 300 && reply.status < 400) {
    verdict.detail = fmt::format("it answered {}, and redirects are not followed", reply.status);
  }
  if (verdict.detail.empty()) verdict.detail = fmt::format("it answered {} and nothing else", reply.status);
  if (reply.status == 410) {
    verdict.outcome = Outcome::refused;
    return verdict;
  }
  verdict.next_in = retry_after(attempts, age, chance);
  if (reply.retry_after && (reply.status == 429 || reply.status == 503)) {
    const auto asked = std::clamp<seconds>(*reply.retry_after, 0s, longest_wait);
    if (verdict.next_in) verdict.next_in = std::max(*verdict.next_in, asked);
    verdict.pause_in = std::min(asked, longest_pause);
  }
  return verdict;
}

std::optional<seconds> retry_after(std::int64_t attempts, seconds age, double chance) {
  if (age >= given_up_after) return std::nullopt;
  const auto step = std::clamp<std::int64_t>(attempts - 1, 0, std::ssize(ladder) - 1);
  const auto longest = static_cast<double>(ladder[static_cast<std::size_t>(step)].count());
  const seconds wait(static_cast<std::int64_t>(longest * chance) + 1);
  return std::min(wait, std::max(given_up_after - age, seconds(1)));
}

std::string printable(std::string_view bytes, std::size_t most) {
  std::string out;
  for (const char c : bytes.substr(0, most))
    out.push_back(c >= ' ' && c <= '~' ? c : c == '\n' || c == '\r' ? ' ' : '?');
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace souk::notification::webhooks
