#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/task.hpp"
#include "webhook_rules.hpp"

namespace souk::notification {

// A request as it is sent.
struct WebhookRequest {
  std::string url;
  std::vector<std::string> headers;  // "webhook-id: msg_1"
  std::string body;
};

// What takes webhooks out of the house.
class WebhookSender {
 public:
  virtual ~WebhookSender() = default;
  // At most 15 seconds. Whatever goes wrong is a reply without a status.
  virtual Task<webhooks::Reply> post(WebhookRequest request) = 0;
  // The program stops: ends what is under way, and everything that comes after.
  virtual void interrupt() {}
};

struct CurlSenderOptions {
  bool allow_private = false;  // addresses that are not of the public internet
  std::string ca_file{};       // PEM; empty: the system's certificate authorities
};

// By libcurl: any number of requests at once on one thread. TLS with verified certificates, HTTP/1.1, no redirects, no
// proxy, no cookies; reads 64 KiB of a reply and keeps its beginning. Each socket is opened only to an address that it
// may be opened to, whatever the name resolved to before.
class CurlSender final : public WebhookSender {
 public:
  explicit CurlSender(CurlSenderOptions options);
  ~CurlSender() override;

  Task<webhooks::Reply> post(WebhookRequest request) override;
  void interrupt() override;

 private:
  struct Call;

  void run(const std::stop_token& stop);
  void begin_submitted();
  void finish_ended();
  void give_up_all();

  CurlSenderOptions options_;
  std::atomic<bool> interrupted_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Call>> submitted_;
  std::vector<std::unique_ptr<Call>> under_way_;  // of the thread
  void* multi_;
  std::jthread thread_;  // last: uses what is above
};

}  // namespace souk::notification
