#pragma once

#include <memory>
#include <string>

#include "core/settings.hpp"
#include "transport.hpp"
#include "webhook_sender.hpp"

namespace souk::notification {

namespace settings {

inline Setting<std::string> mail_from("SOUK_MAIL_FROM", "Sender of the shop's mails.", "Souk <shop@souk.invalid>");
inline Setting<std::string> merchant_email(
    "SOUK_MERCHANT_EMAIL",
    "Whom to tell what the merchant must know: stock that is low, webhooks that were disabled. Empty: nobody.", "");
inline Setting<std::string> mail_dir(
    "SOUK_MAIL_DIR",
    "Folder that mails are written to as .eml files, in SOUK_HOME unless it begins with '/'. Empty: none are handed "
    "over; they wait in notification_db.",
    "mail");
inline Setting<std::string> smtp_url(
    "SOUK_SMTP_URL",
    "Mail server that mails are handed over to, instead of files: smtp://user:password@host:port, or smtps:// for TLS "
    "from the first byte. User and password are percent-encoded and may be absent.",
    "");
inline Setting<std::string> smtp_starttls(
    "SOUK_SMTP_STARTTLS",
    "With smtp://: `required` sends nothing to a server without TLS, `opportunistic` uses TLS where the server offers "
    "it. A certificate is verified in any case.",
    "required");
inline Setting<std::string> smtp_ca_file(
    "SOUK_SMTP_CA_FILE",
    "PEM file of the authorities that the mail server's certificate may come from. Empty: the system's.", "");

inline Setting<bool> webhooks_allow_private(
    "SOUK_WEBHOOKS_ALLOW_PRIVATE",
    "Whether webhooks may go to addresses that are not of the public internet, and by plain http: for development, and "
    "where the merchant's systems are in the same private network.",
    false);
inline Setting<std::string> webhooks_ca_file(
    "SOUK_WEBHOOKS_CA_FILE",
    "PEM file of the authorities that the certificates of webhooks' receivers may come from. Empty: the system's.", "");

}  // namespace settings

// What the settings say: a mail server, a folder, or null when there is nobody to hand mails to. `home`: SOUK_HOME.
// Throws std::invalid_argument with a sentence when they cannot be meant.
std::unique_ptr<Transport> make_transport(const std::string& home);
std::unique_ptr<WebhookSender> make_webhook_sender();

}  // namespace souk::notification
