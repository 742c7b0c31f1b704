#include "stripe_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "../errors.hpp"
#include "core/crypto.hpp"
#include "stripe_currency.hpp"

namespace souk::payment::stripe {
namespace {

// Those after which a payment or a refund of ours may be another. What they say is asked for, so more of them do no
// harm.
constexpr auto telling = std::to_array<std::string_view>(
    {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
     "payment_intent.requires_action", "payment_intent.amount_capturable_updated", "charge.refunded",
     "charge.refund.updated", "refund.created", "refund.updated", "refund.failed"});

struct Metadata {
  std::optional<std::string> order_id;
};
BOOST_DESCRIBE_STRUCT(Metadata, (), (order_id))

// A PaymentIntent, a charge or a refund.
struct Object {
  std::string id;
  std::string object;
  std::optional<std::string> payment_intent;
  std::int64_t amount = 0;
  std::optional<std::string> currency;
  std::optional<Metadata> metadata;
};
BOOST_DESCRIBE_STRUCT(Object, (), (id, object, payment_intent, amount, currency, metadata))

struct Data {
  Object object;
};
BOOST_DESCRIBE_STRUCT(Data, (), (object))

struct Event {
  std::string id;
  std::string type;
  Data data;
};
BOOST_DESCRIBE_STRUCT(Event, (), (id, type, data))

// What every event has, whatever its object looks like.
struct Envelope {
  std::string id;
  std::string type;
};
BOOST_DESCRIBE_STRUCT(Envelope, (), (id, type))

struct Signature {
  std::string_view time_text;
  Timestamp time;
  std::vector<std::string_view> v1;
};

std::optional<Signature> parse(std::string_view header) {
  Signature signature;
  std::optional<std::int64_t> seconds;
  while (!header.empty()) {
    const auto comma = std::min(header.find(','), header.size());
    auto item = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (item.starts_with("v1=")) signature.v1.push_back(item.substr(3));
    if (!item.starts_with("t=")) continue;
    if (seconds) return std::nullopt;  // two times: which one is signed?
    signature.time_text = item.substr(2);
    const auto* end = signature.time_text.data() + signature.time_text.size();
    const auto [rest, error] = std::from_chars(signature.time_text.data(), end, seconds.emplace());
    if (error != std::errc{} || rest != end) return std::nullopt;
  }
  // Up to the year 9999, so that no arithmetic overflows.
  if (!seconds || *seconds < 0 || *seconds > 253'402'300'799 || signature.v1.empty()) return std::nullopt;
  signature.time = Timestamp(std::chrono::seconds(*seconds));
  return signature;
}

}  // namespace

bool is_signed(std::string_view header, std::string_view body, const std::vector<std::string>& secrets, Timestamp now) {
  const auto signature = parse(header);
  if (!signature || std::chrono::abs(now - signature->time) > tolerance) return false;
  const auto text = std::string(signature->time_text) + "." + std::string(body);
  bool found = false;
  for (const auto& secret : secrets) {
    const auto wanted = hex(hmac_sha256(secret, text));
    for (const auto given : signature->v1) found = equal_constant_time(given, wanted) || found;
  }
  return found;
}

Result<GatewayEvent> read_event(std::string_view body) {
  const auto envelope = json::read<Envelope>(body, json::Mode::lenient);
  if (!envelope || envelope->id.empty() || envelope->id.size() > 255 || envelope->type.size() > 100) {
    return errors::message_refused();
  }
  GatewayEvent event{.id = envelope->id, .type = envelope->type};
  if (std::ranges::find(telling, event.type) == telling.end()) return event;
  const auto whole = json::read<Event>(body, json::Mode::lenient);
  if (!whole) return errors::message_refused();
  const auto& object = whole->data.object;
  if (object.metadata) event.key = object.metadata->order_id;
  if (object.object != "payment_intent") {
    event.payment_id = object.payment_intent;
    return event;
  }
  event.payment_id = object.id;
  if (!object.currency) return errors::message_refused();
  event.currency = upper(*object.currency);
  event.amount = from_stripe(object.amount, *event.currency);
  return event;
}

}  // namespace souk::payment::stripe
