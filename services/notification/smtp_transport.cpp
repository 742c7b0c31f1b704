#include "smtp_transport.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "mime.hpp"

namespace souk::notification {
namespace {

constexpr std::size_t longest_reply = 300;
constexpr long connect_timeout_ms = 10'000;
constexpr long longest_idle_s = 20;  // servers close idle connections; some after 30 s

void initialize_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw std::runtime_error("libcurl cannot be initialized");
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

// What would end the command that carries the address, or begin another.
bool is_address(std::string_view text) {
  return text.find('@') != std::string_view::npos && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ',';
         });
}

struct UrlParts {
  UrlParts() : url(curl_url()) {}
  ~UrlParts() { curl_url_cleanup(url); }
  UrlParts(const UrlParts&) = delete;
  UrlParts& operator=(const UrlParts&) = delete;

  std::string get(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    std::string value(text);
    curl_free(text);
    return value;
  }

  CURLU* url;
};

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle, option, value) != CURLE_OK) {
    throw std::runtime_error(fmt::format("libcurl has no option {}", static_cast<int>(option)));
  }
}

}  // namespace

SmtpOptions SmtpOptions::parse(const std::string& text) {
  const UrlParts parts;
  if (curl_url_set(parts.url, CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    throw std::invalid_argument("SOUK_SMTP_URL is not a URL such as smtp://user:password@mail.example.com:587");
  }
  const auto scheme = parts.get(CURLUPART_SCHEME);
  if (scheme != "smtp" && scheme != "smtps") {
    throw std::invalid_argument("SOUK_SMTP_URL must begin with smtp:// or smtps://");
  }
  if (parts.get(CURLUPART_PATH) != "/" || !parts.get(CURLUPART_QUERY).empty()) {
    throw std::invalid_argument("SOUK_SMTP_URL must end after the host and the port");
  }
  SmtpOptions options{.host = parts.get(CURLUPART_HOST), .tls = scheme == "smtps"};
  const auto port = parts.get(CURLUPART_PORT);
  options.port = port.empty() ? (options.tls ? 465 : 25) : std::stoi(port);
  options.user = parts.get(CURLUPART_USER, CURLU_URLDECODE);
  options.password = parts.get(CURLUPART_PASSWORD, CURLU_URLDECODE);
  return options;
}

namespace smtp {

Delivery judge(const Dialogue& dialogue) {
  if (dialogue.finished) return {.outcome = Delivery::Outcome::taken, .status = dialogue.code, .why = dialogue.reply};
  const bool about_this_mail = dialogue.verb == "RCPT" || dialogue.verb == "DATA";
  const bool about_us = dialogue.code == 530 || dialogue.code == 535 || dialogue.code == 538;
  Delivery delivery{.outcome = Delivery::Outcome::try_again, .why = dialogue.failure};
  if (dialogue.code >= 400) {
    delivery.status = dialogue.code;
    delivery.why = dialogue.reply;
    if (dialogue.code >= 500 && about_this_mail && !about_us) delivery.outcome = Delivery::Outcome::refused;
  }
  return delivery;
}

std::string address_of(const std::string& sender) {
  const auto open = sender.rfind('<');
  const auto close = sender.rfind('>');
  auto address = open == std::string::npos || close == std::string::npos || close < open
                     ? sender
                     : sender.substr(open + 1, close - open - 1);
  const bool one_line = std::ranges::none_of(sender, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (!one_line || !is_address(address))
    throw std::invalid_argument("SOUK_MAIL_FROM must be such as \"Shop <shop@example.com>\"");
  return address;
}

}  // namespace smtp

// A handle of libcurl, which keeps its connection to the server between mails. Used by one thread at a time.
class SmtpTransport::Connection {
 public:
  Connection(const SmtpOptions& options, const std::string& address, const std::atomic<bool>& interrupted);
  ~Connection() { curl_easy_cleanup(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  smtp::Dialogue send(const std::string& recipient, std::string_view mail, Duration limit);

 private:
  static std::size_t give(char* out, std::size_t size, std::size_t count, void* self);
  static int listen(CURL*, curl_infotype type, char* data, std::size_t size, void* self);
  static int go_on(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  void set_security(const SmtpOptions& options);
  void hear_reply(std::string_view text);

  CURL* handle_;
  const std::atomic<bool>& interrupted_;
  std::string_view unsent_;
  smtp::Dialogue dialogue_;
  bool quitting_ = false;
  char failure_[CURL_ERROR_SIZE] = {};
};

SmtpTransport::Connection::Connection(const SmtpOptions& options, const std::string& address,
                                      const std::atomic<bool>& interrupted)
    : handle_(curl_easy_init()), interrupted_(interrupted) {
  if (handle_ == nullptr) throw std::runtime_error("libcurl gives no handle");
  const auto url = fmt::format("{}://{}:{}/", options.tls ? "smtps" : "smtp", options.host, options.port);
  set(handle_, CURLOPT_URL, url.c_str());
  set(handle_, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(handle_, CURLOPT_PROXY, "");  // whatever the environment says
  set(handle_, CURLOPT_NOSIGNAL, 1L);
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(handle_, CURLOPT_MAXAGE_CONN, longest_idle_s);
  set(handle_, CURLOPT_MAIL_FROM, address.c_str());
  set_security(options);
  set(handle_, CURLOPT_UPLOAD, 1L);
  set(handle_, CURLOPT_READFUNCTION, &Connection::give);
  set(handle_, CURLOPT_READDATA, this);
  set(handle_, CURLOPT_VERBOSE, 1L);  // what is said goes to listen(), nothing to standard error
  set(handle_, CURLOPT_DEBUGFUNCTION, &Connection::listen);
  set(handle_, CURLOPT_DEBUGDATA, this);
  set(handle_, CURLOPT_NOPROGRESS, 0L);
  set(handle_, CURLOPT_XFERINFOFUNCTION, &Connection::go_on);
  set(handle_, CURLOPT_XFERINFODATA, this);
  set(handle_, CURLOPT_ERRORBUFFER, failure_);
}

void SmtpTransport::Connection::set_security(const SmtpOptions& options) {
  set(handle_, CURLOPT_USE_SSL, static_cast<long>(options.require_starttls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  set(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(handle_, CURLOPT_CAINFO, options.ca_file.c_str());
  if (options.user.empty()) return;
  set(handle_, CURLOPT_USERNAME, options.user.c_str());
  set(handle_, CURLOPT_PASSWORD, options.password.c_str());
  set(handle_, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
}

smtp::Dialogue SmtpTransport::Connection::send(const std::string& recipient, std::string_view mail, Duration limit) {
  dialogue_ = {};
  quitting_ = false;
  failure_[0] = '\0';
  unsent_ = mail;
  const auto recipients = std::unique_ptr<curl_slist, void (*)(curl_slist*)>(
      curl_slist_append(nullptr, recipient.c_str()), &curl_slist_free_all);
  if (!recipients) throw std::bad_alloc();
  set(handle_, CURLOPT_MAIL_RCPT, recipients.get());
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(milliseconds, 1)));
  const auto result = curl_easy_perform(handle_);
  set(handle_, CURLOPT_MAIL_RCPT, nullptr);
  dialogue_.finished = result == CURLE_OK;
  dialogue_.failure = failure_[0] != '\0' ? failure_ : curl_easy_strerror(result);
  return std::move(dialogue_);
}

std::size_t SmtpTransport::Connection::give(char* out, std::size_t size, std::size_t count, void* self) {
  auto& unsent = static_cast<Connection*>(self)->unsent_;
  const auto given = std::min(size * count, unsent.size());
  std::memcpy(out, unsent.data(), given);
  unsent.remove_prefix(given);
  return given;
}

int SmtpTransport::Connection::listen(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
  auto& connection = *static_cast<Connection*>(self);
  auto& dialogue = connection.dialogue_;
  const std::string_view text(data, size);
  // After a failure libcurl says QUIT; what counts was said before.
  connection.quitting_ |= type == CURLINFO_HEADER_OUT && text.starts_with("QUIT");
  if (connection.quitting_) return 0;
  if (type == CURLINFO_HEADER_IN) connection.hear_reply(text);
  if (type != CURLINFO_HEADER_OUT && type != CURLINFO_DATA_OUT) return 0;
  // Only the verb: what follows may be a password.
  dialogue.verb = type == CURLINFO_DATA_OUT ? "DATA" : std::string(text.substr(0, text.find_first_of(" \r\n")));
  dialogue.reply.clear();
  dialogue.code = 0;
  return 0;
}

void SmtpTransport::Connection::hear_reply(std::string_view text) {
  int code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + std::min<std::size_t>(text.size(), 3), code);
  if (error == std::errc{} && end == text.data() + 3) dialogue_.code = code;
  if (!dialogue_.reply.empty()) dialogue_.reply += ' ';
  for (const char c : text) {
    if (dialogue_.reply.size() < longest_reply && c >= ' ' && c <= '~') dialogue_.reply += c;
  }
}

int SmtpTransport::Connection::go_on(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Connection*>(self)->interrupted_ ? 1 : 0;
}

SmtpTransport::SmtpTransport(SmtpOptions options)
    : options_(std::move(options)), address_(smtp::address_of(options_.sender)) {
  initialize_curl();
  if (!options_.user.empty() && !options_.tls && !options_.require_starttls && !is_loopback(options_.host)) {
    throw std::invalid_argument(
        "SOUK_SMTP_URL has a password, and with SOUK_SMTP_STARTTLS=opportunistic anybody between could read it; set "
        "SOUK_SMTP_STARTTLS=required");
  }
}

SmtpTransport::~SmtpTransport() { interrupted_ = true; }

Task<Delivery> SmtpTransport::send(Context context, Message message) {
  const auto deadline = context.deadline();
  co_return co_await pool_.run([this, message = std::move(message), deadline] { return send_now(message, deadline); });
}

Delivery SmtpTransport::send_now(const Message& message, Deadline deadline) {
  if (!is_address(message.recipient)) {
    return {.outcome = Delivery::Outcome::refused, .why = "the recipient is no address"};
  }
  if (Clock::now() >= deadline) return {.outcome = Delivery::Outcome::try_again, .why = "no time left"};
  auto connection = take();
  const auto mail = mime::compose(message, options_.sender);
  auto dialogue = connection->send(message.recipient, mail, deadline - Clock::now());
  keep(std::move(connection));
  return smtp::judge(dialogue);
}

std::unique_ptr<SmtpTransport::Connection> SmtpTransport::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return std::make_unique<Connection>(options_, address_, interrupted_);
}

void SmtpTransport::keep(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));  // never more than there are threads
}

}  // namespace souk::notification
