#include "settings.hpp"

#include <filesystem>
#include <stdexcept>

#include "file_transport.hpp"
#include "smtp_transport.hpp"

namespace souk::notification {

namespace {

std::unique_ptr<Transport> make_smtp_transport() {
  auto options = SmtpOptions::parse(settings::smtp_url.get());
  const auto& starttls = settings::smtp_starttls.get();
  if (starttls != "required" && starttls != "opportunistic") {
    throw std::invalid_argument("SOUK_SMTP_STARTTLS must be required or opportunistic");
  }
  options.require_starttls = starttls == "required";
  options.ca_file = settings::smtp_ca_file.get();
  options.sender = settings::mail_from.get();
  return std::make_unique<SmtpTransport>(std::move(options));
}

}  // namespace

std::unique_ptr<Transport> make_transport(const std::string& home) {
  if (!settings::smtp_url.get().empty()) return make_smtp_transport();
  const std::filesystem::path folder = settings::mail_dir.get();
  if (folder.empty()) return nullptr;
  // A path that begins with '/' replaces what stands before it.
  return std::make_unique<FileTransport>(std::filesystem::path(home) / folder, settings::mail_from.get());
}

std::unique_ptr<WebhookSender> make_webhook_sender() {
  return std::make_unique<CurlSender>(CurlSenderOptions{.allow_private = settings::webhooks_allow_private.get(),
                                                        .ca_file = settings::webhooks_ca_file.get()});
}

}  // namespace souk::notification
