#include "webhook_sender.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <stdexcept>

#include "public_address.hpp"

namespace souk::notification {
namespace {

constexpr long time_limit_ms = 15'000;
constexpr long connect_limit_ms = 5'000;
constexpr long longest_idle_s = 20;
constexpr long most_idle = 32;
constexpr std::size_t most_reply = 64 * 1024;  // headers, and body
constexpr std::size_t most_excerpt = 1024;

using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

Headers header_list(const std::vector<std::string>& lines) {
  Headers list(nullptr, &curl_slist_free_all);
  for (const auto& line : lines) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    std::ignore = list.release();
    list.reset(longer);
  }
  return list;
}

std::string text_of(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.sa_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (bytes == nullptr || inet_ntop(address.sa_family, bytes, text, sizeof text) == nullptr) return {};
  return text;
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle, option, value) != CURLE_OK) {
    throw std::runtime_error("libcurl has no option " + std::to_string(static_cast<int>(option)));
  }
}

}  // namespace

// A request and its reply. Of the thread from when it is submitted.
struct CurlSender::Call {
  Call(WebhookRequest wanted, const CurlSenderOptions& options);
  ~Call() { curl_easy_cleanup(handle); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);

  bool takes(std::size_t size);
  webhooks::Reply reply(CURLcode code);

  WebhookRequest request;
  bool allow_private;
  CURL* handle;
  Headers headers;
  std::string excerpt;
  std::string refused_address;
  std::size_t received = 0;
  bool too_large = false;
  char failure[CURL_ERROR_SIZE] = {};
  std::move_only_function<void(webhooks::Reply)> done;
};

CurlSender::Call::Call(WebhookRequest wanted, const CurlSenderOptions& options)
    : request(std::move(wanted)),
      allow_private(options.allow_private),
      handle(curl_easy_init()),
      headers(header_list(request.headers)) {
  if (handle == nullptr) throw std::runtime_error("libcurl gives no handle");
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_PROXY, "");  // whatever the environment says: a proxy would connect where we must not
  set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_TIMEOUT_MS, time_limit_ms);
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms);
  set(handle, CURLOPT_MAXAGE_CONN, longest_idle_s);
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  set(handle, CURLOPT_POST, 1L);
  set(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_WRITEFUNCTION, &Call::take_body);
  set(handle, CURLOPT_WRITEDATA, this);
  set(handle, CURLOPT_HEADERFUNCTION, &Call::take_header);
  set(handle, CURLOPT_HEADERDATA, this);
  set(handle, CURLOPT_OPENSOCKETFUNCTION, &Call::open_socket);
  set(handle, CURLOPT_OPENSOCKETDATA, this);
  set(handle, CURLOPT_ERRORBUFFER, failure);
  set(handle, CURLOPT_PRIVATE, this);
}

bool CurlSender::Call::takes(std::size_t size) {
  received += size;
  too_large = received > most_reply;
  return !too_large;
}

std::size_t CurlSender::Call::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<Call*>(self);
  const auto bytes = size * count;
  const auto room = most_excerpt - std::min(most_excerpt, call.excerpt.size());
  call.excerpt.append(data, std::min(bytes, room));
  return call.takes(bytes) ? bytes : 0;
}

std::size_t CurlSender::Call::take_header(char*, std::size_t size, std::size_t count, void* self) {
  return static_cast<Call*>(self)->takes(size * count) ? size * count : 0;
}

// The last moment at which an address can be looked at: a name that resolved to a public address a second ago may
// resolve to this machine now.
curl_socket_t CurlSender::Call::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& call = *static_cast<Call*>(self);
  const auto text = text_of(address->addr);
  if (!call.allow_private && !is_public_address(text)) {
    call.refused_address = text;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

webhooks::Reply CurlSender::Call::reply(CURLcode code) {
  webhooks::Reply reply{.excerpt = std::move(excerpt)};
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // A reply that is longer than anybody reads has said what counts at its beginning.
  if (code == CURLE_OK || (too_large && status >= 200)) {
    reply.status = static_cast<int>(status);
    curl_off_t wait = 0;
    if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0) {
      reply.retry_after = std::chrono::seconds(std::min<curl_off_t>(wait, 1'000'000));
    }
  } else if (!refused_address.empty() && code == CURLE_COULDNT_CONNECT) {
    reply.failure = "the address " + refused_address + " is not of the public internet";
  } else {
    reply.failure = failure[0] != '\0' ? failure : curl_easy_strerror(code);
  }
  return reply;
}

CurlSender::CurlSender(CurlSenderOptions options) : options_(std::move(options)) {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = initialized == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi_ == nullptr) throw std::runtime_error("libcurl cannot be initialized");
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, most_idle);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

CurlSender::~CurlSender() {
  interrupt();
  thread_.request_stop();
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

Task<webhooks::Reply> CurlSender::post(WebhookRequest request) {
  auto call = std::make_unique<Call>(std::move(request), options_);
  const auto executor = co_await asio::this_coro::executor;
  auto submit = [this, executor, call = std::move(call)](auto handler) mutable {
    call->done = [guard = asio::make_work_guard(executor),
                  handler = std::move(handler)](webhooks::Reply reply) mutable {
      asio::post(guard.get_executor(),
                 [handler = std::move(handler), reply = std::move(reply)]() mutable { handler(std::move(reply)); });
    };
    {
      const std::lock_guard lock(mutex_);
      submitted_.push_back(std::move(call));
    }
    curl_multi_wakeup(multi_);
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(webhooks::Reply)>(
      std::move(submit), use_task);
}

void CurlSender::interrupt() {
  interrupted_ = true;
  curl_multi_wakeup(multi_);
}

void CurlSender::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    begin_submitted();
    int running = 0;
    curl_multi_perform(multi_, &running);
    finish_ended();
    if (interrupted_) give_up_all();
    curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  begin_submitted();
  give_up_all();
}

void CurlSender::begin_submitted() {
  std::vector<std::unique_ptr<Call>> submitted;
  {
    const std::lock_guard lock(mutex_);
    submitted.swap(submitted_);
  }
  for (auto& call : submitted) {
    curl_multi_add_handle(multi_, call->handle);
    under_way_.push_back(std::move(call));
  }
}

void CurlSender::finish_ended() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto* handle = message->easy_handle;
    const auto code = message->data.result;
    const auto ended = std::ranges::find(under_way_, handle, [](const auto& call) { return call->handle; });
    curl_multi_remove_handle(multi_, handle);
    (*ended)->done((*ended)->reply(code));
    under_way_.erase(ended);
  }
}

void CurlSender::give_up_all() {
  for (auto& call : under_way_) {
    curl_multi_remove_handle(multi_, call->handle);
    call->done({.failure = "the program stops"});
  }
  under_way_.clear();
}

}  // namespace souk::notification
