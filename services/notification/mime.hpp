#pragma once

#include <string>
#include <string_view>

#include "transport.hpp"

// Internet messages (RFC 5322, MIME RFC 2045 to 2047), as files and SMTP take them: lines end in CRLF.
namespace souk::notification::mime {

// The message with its text and its HTML part (multipart/alternative, both quoted-printable, so that people can read
// the file).
std::string compose(const Message& message, const std::string& sender);

// A header value: as it is when it is printable ASCII, otherwise as encoded words of at most 75 characters.
std::string encode_header(std::string_view value);
// The value of From: of "Grüße <shop@example.com>" only the name is encoded, since no program reads an encoded address.
std::string encode_sender(std::string_view sender);
// Lines of at most 76 characters; line ends of the text become CRLF.
std::string quoted_printable(std::string_view text);
std::string base64(std::string_view data);  // with padding, in one line (RFC 4648 section 4)
std::string date(Timestamp time);           // "Sun, 01 Mar 2026 12:00:00 +0000"

}  // namespace souk::notification::mime
