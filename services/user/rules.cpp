#include "rules.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>

#include "core/countries.hpp"
#include "core/crypto.hpp"
#include "core/random.hpp"
#include "errors.hpp"

namespace souk::user::rules {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::size_t token_length = 43;  // of 32 bytes in base64url

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool all(std::string_view text, auto predicate) { return !text.empty() && std::ranges::all_of(text, predicate); }

// Collects what is wrong, field by field.
class Fields {
 public:
  void check(bool good, std::string field, std::string code, std::string detail) {
    if (!good) wrong_.push_back({std::move(field), std::move(code), std::move(detail)});
  }
  // A line of text that people read: not blank, no control characters.
  void check_line(std::string_view text, std::string field) {
    check(std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }), field, "format",
          "must be one line of text");
    check(text.find_first_not_of(' ') != std::string_view::npos, std::move(field), "format", "must not be blank");
  }
  void check_phone(std::string_view phone, std::string field) {
    const auto digits = std::ranges::count_if(phone, is_digit);
    const bool plain = std::ranges::all_of(
        phone, [](char c) { return is_digit(c) || std::string_view("+-. ()/").find(c) != std::string_view::npos; });
    check(plain && digits >= 4, std::move(field), "format", "must be a phone number, such as +1 555 010 9999");
  }
  Result<void> result() && {
    if (wrong_.empty()) return {};
    return errors::invalid(std::move(wrong_));
  }

 private:
  std::vector<FieldError> wrong_;
};

template <class Text>
void trim(Text& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return text.clear();
  text = Text(std::string_view(text).substr(first, text.find_last_not_of(' ') - first + 1));
}
template <class Text>
void trim(std::optional<Text>& text) {
  if (text) trim(*text);
}

// One check for both kinds of address: a field that is not given is not looked at.
template <class Text>
const Text* given(const Text& text) {
  return &text;
}
template <class Text>
const Text* given(const std::optional<Text>& text) {
  return text ? &*text : nullptr;
}
template <class Text>
Text* given(Text& text) {
  return &text;
}
template <class Text>
Text* given(std::optional<Text>& text) {
  return text ? &*text : nullptr;
}

template <class Address>
Result<void> check_any_address(Address& address) {
  Fields fields;
  const auto line = [&fields](auto& text, const char* name, bool may_be_empty) {
    trim(text);
    const auto* value = given(text);
    if (value != nullptr && !(may_be_empty && value->empty())) fields.check_line(*value, name);
  };
  line(address.full_name, "full_name", false);
  line(address.address_line1, "address_line1", false);
  line(address.address_line2, "address_line2", true);
  line(address.city, "city", false);
  line(address.state, "state", true);
  line(address.postal_code, "postal_code", true);
  if (const auto* phone = given(address.phone)) fields.check_phone(*phone, "phone");
  if (auto* country = given(address.country)) {
    std::ranges::transform(*country, country->begin(), to_upper);
    fields.check(known_country(*country), "country", "value", "must be a country's two letters (ISO 3166-1 alpha-2)");
  }
  return std::move(fields).result();
}

}  // namespace

bool valid_email(std::string_view email) {
  const auto at = email.find('@');
  if (at == std::string_view::npos || email.size() > 255) return false;
  const auto domain = email.substr(at + 1);
  const auto dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const auto top = domain.substr(dot + 1);
  const auto in_local = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
  };
  const auto in_domain = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; };
  return all(email.substr(0, at), in_local) && all(domain.substr(0, dot), in_domain) && top.size() >= 2 &&
         all(top, is_letter);
}

std::string normalised(std::string_view email) {
  std::string out(email);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

Result<void> check_registration(const Register& request) {
  Fields fields;
  fields.check(valid_email(request.email), "email", "format", "must be an e-mail address");
  // Also here, because the command line makes accounts without the JSON reader.
  fields.check(request.password.size() >= 8 && request.password.size() <= 200, "password", "length",
               "must have 8 to 200 bytes");
  fields.check_line(request.first_name, "first_name");
  fields.check_line(request.last_name, "last_name");
  if (request.phone) fields.check_phone(*request.phone, "phone");
  SOUK_CHECK(std::move(fields).result());
  if (normalised(request.password) == normalised(request.email)) return errors::password_is_email();
  return {};
}

Result<void> check_patch(const PatchUser& request) {
  Fields fields;
  if (request.first_name) fields.check_line(*request.first_name, "first_name");
  if (request.last_name) fields.check_line(*request.last_name, "last_name");
  if (request.phone) fields.check_phone(*request.phone, "phone");
  return std::move(fields).result();
}

Result<void> check_address(NewAddress& address) { return check_any_address(address); }
Result<void> check_address(PatchedAddress& changes) { return check_any_address(changes); }

bool known_country(std::string_view code) { return is_country(code); }

std::chrono::seconds closed_after(std::int64_t failures) {
  if (failures < free_failures_of_account) return std::chrono::seconds(0);
  constexpr std::chrono::seconds longest = std::chrono::hours(1);
  const auto doublings = std::min<std::int64_t>(failures - free_failures_of_account, 10);
  return std::min(std::chrono::seconds(30) * (std::int64_t{1} << doublings), longest);
}

std::string account_subject(std::string_view email) { return "account:" + hex(sha256(normalised(email))); }

std::string address_subject(const std::string& ip_address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address_v6(ip_address, error);
  if (error) return "address:" + ip_address.substr(0, 64);
  auto bytes = parsed.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return "address:" + asio::ip::address_v6(bytes).to_string();
}

bool is_loopback(const std::string& ip_address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(ip_address, error);
  return !error && parsed.is_loopback();
}

std::optional<std::string> clean_ip(const std::string& ip_address) {
  boost::system::error_code error;
  auto parsed = asio::ip::make_address(ip_address, error);
  if (error) return std::nullopt;
  if (parsed.is_v6()) {
    auto v6 = parsed.to_v6();
    v6.scope_id(0);  // INET has no zones
    return v6.to_string();
  }
  return parsed.to_string();
}

std::string clean_user_agent(std::string_view user_agent) {
  std::string clean(user_agent.substr(0, max_user_agent));
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

std::string new_refresh_token() { return random_token(token_bytes); }

std::string token_hash(std::string_view token) { return hex(sha256(token)); }

bool well_formed_token(std::string_view token) {
  return token.size() == token_length &&
         all(token, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

namespace {

// Each token has one successor, so the key stream that comes from it is used once.
std::string combine(std::string_view token, std::string_view bytes) {
  const auto key = hmac_sha256(token, "souk refresh successor");
  std::string out(bytes);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(static_cast<std::uint8_t>(out[i]) ^ key[i]);
  return out;
}

std::string encode(std::string_view bytes) {
  return base64url({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

std::string seal_successor(std::string_view token, std::string_view successor) {
  return encode(combine(token, from_base64url(successor).value()));
}

std::optional<std::string> unseal_successor(std::string_view token, std::string_view sealed) {
  const auto bytes = from_base64url(sealed);
  if (!bytes || bytes->size() != token_bytes) return std::nullopt;
  return encode(combine(token, *bytes));
}

TokenState state_of(const TokenTimes& token, Timestamp now) {
  if (token.revoked_at || token.expires_at <= now) return TokenState::over;
  if (!token.used_at) return TokenState::fresh;
  return now - *token.used_at <= refresh_grace ? TokenState::just_used : TokenState::reused;
}

bool may_act_for(const Caller& caller, Uuid user_id) {
  return caller.kind == Caller::Kind::service || caller.is_admin() || caller.user_id == user_id;
}

}  // namespace souk::user::rules
