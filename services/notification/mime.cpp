#include "mime.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace souk::notification::mime {
namespace {

bool is_plain(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; }) &&
         value.find("=?") == std::string_view::npos;
}

// Up to `limit` bytes, cut between characters of UTF-8.
std::string_view first_characters(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

std::string part(std::string_view type, std::string_view body) {
  return fmt::format("Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}", type,
                     quoted_printable(body));
}

}  // namespace

std::string base64(std::string_view data) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const auto group = data.substr(i, 3);
    const auto byte = [&](std::size_t at) {
      return at < group.size() ? static_cast<unsigned>(static_cast<unsigned char>(group[at])) : 0U;
    };
    const unsigned bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k) {
      out.push_back(k <= group.size() ? alphabet[bits >> (18 - 6 * k) & 63] : '=');
    }
  }
  return out;
}

std::string compose(const Message& message, const std::string& sender) {
  // In quoted-printable text "=" is followed by digits, so no part can hold the boundary.
  const auto boundary = "=_souk-" + message.id.to_string();
  return fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}>\r\nAuto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n"
      "--{}\r\n{}--{}\r\n{}--{}--\r\n",
      date(message.created_at), encode_sender(sender), encode_header(message.recipient), encode_header(message.subject),
      message.message_id, boundary, boundary, part("text/plain", message.text), boundary,
      part("text/html", message.html), boundary);
}

std::string encode_header(std::string_view value) {
  if (is_plain(value)) return std::string(value);
  std::string out;
  while (!value.empty()) {
    const auto chunk = first_characters(value, 45);  // 60 characters of base64
    if (chunk.empty()) break;                        // not UTF-8
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + base64(chunk) + "?=";
    value.remove_prefix(chunk.size());
  }
  return out;
}

std::string encode_sender(std::string_view sender) {
  const auto open = sender.rfind('<');
  if (open == std::string_view::npos || open == 0 || !is_plain(sender.substr(open))) return encode_header(sender);
  auto name = sender.substr(0, open);
  while (name.ends_with(' ')) name.remove_suffix(1);
  return encode_header(name) + " " + std::string(sender.substr(open));
}

std::string quoted_printable(std::string_view text) {
  constexpr std::size_t longest_line = 75;  // and the "=" of a soft line break
  std::string out;
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += "\r\n";
      line = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    const bool plain = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !ends_line);
    const auto piece = plain ? std::string(1, c) : fmt::format("={:02X}", static_cast<unsigned char>(c));
    if (line + piece.size() > longest_line) {
      out += "=\r\n";
      line = 0;
    }
    out += piece;
    line += piece.size();
  }
  if (line > 0) out += "\r\n";
  return out;
}

std::string date(Timestamp time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace souk::notification::mime
