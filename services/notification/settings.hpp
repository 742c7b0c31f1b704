#pragma once

#include <memory>
#include <string>

#include "core/settings.hpp"
#include "transport.hpp"

namespace souk::notification {

namespace settings {

inline Setting<std::string> mail_from("SOUK_MAIL_FROM", "Sender of the shop's mails.", "Souk <shop@souk.invalid>");
inline Setting<std::string> mail_dir(
    "SOUK_MAIL_DIR",
    "Folder that mails are written to as .eml files, in SOUK_HOME unless it begins with '/'. Empty: none are handed "
    "over; they wait in notification_db.",
    "mail");

}  // namespace settings

// What the settings say; null when there is nobody to hand mails to. `home`: SOUK_HOME.
std::unique_ptr<Transport> make_transport(const std::string& home);

}  // namespace souk::notification
