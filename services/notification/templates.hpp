#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

// The texts of messages, and the small renderer that fills them in.
namespace souk::notification::templates {

using Values = std::map<std::string, std::string, std::less<>>;

struct Content {
  std::string subject;
  std::string text;
  std::string html;
};

// The message of an event of this kind ("order.confirmed"); nothing for kinds that nobody is told of. Throws
// std::logic_error when a value that the template names is missing.
std::optional<Content> render(std::string_view kind, const Values& values);

// Whether there is a message of this kind.
bool is_told(std::string_view kind);

// Replaces each {{name}} by its value. Control characters in values become spaces, so that a name cannot add a line
// or a header.
std::string fill(std::string_view pattern, const Values& values);
std::string escape_html(std::string_view text);
// Paragraphs (separated by empty lines) as an HTML document. The text is escaped.
std::string to_html(std::string_view subject, std::string_view text);

}  // namespace souk::notification::templates
