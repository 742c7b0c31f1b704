#include "templates.hpp"

#include <algorithm>
#include <stdexcept>

namespace souk::notification::templates {
namespace {

struct Template {
  std::string_view kind;
  std::string_view subject;
  std::string_view text;
};

// The HTML part is made from the text, so the two cannot say different things.
constexpr Template all_templates[] = {
    {"order.confirmed", "Your order {{order_number}} is confirmed",
     "Thank you for your order.\n\n"
     "We have received order {{order_number}} over {{total}} {{currency}} and will tell you when it is on its way.\n\n"
     "You did not order anything? Then write to us, please.\n"},
    {"order.processing", "We are packing your order {{order_number}}",
     "Your order {{order_number}} is being packed.\n\n"
     "We will tell you when it is on its way.\n"},
    {"order.shipped", "Your order {{order_number}} is on its way",
     "Your order {{order_number}} has left our warehouse.\n\n"
     "{{parcels}}\n"},
    {"order.delivered", "Your order {{order_number}} was delivered",
     "Your order {{order_number}} was delivered. We hope that you like it.\n"},
    {"order.cancelled", "Your order {{order_number}} is cancelled",
     "Your order {{order_number}} over {{total}} {{currency}} is cancelled.\n\n"
     "What you have paid for it is paid back.\n"},
    {"order.returned", "We have your return of order {{order_number}}",
     "What you sent back of order {{order_number}} has arrived.\n\n"
     "We give you {{refund}} {{currency}} back. Until the money is on your account a few days may pass.\n"},
    {"order.refunded", "Your order {{order_number}} is refunded",
     "We have refunded your order {{order_number}} over {{total}} {{currency}}.\n\n"
     "Until the money is on your account a few days may pass.\n"},
    {"stock.low", "Low stock: {{sku}}",
     "There are {{quantity}} of {{sku}} left (item {{product_id}}); its reorder level is {{reorder_level}}.\n\n"
     "Order {{reorder_quantity}} more.\n"},
    {"webhook.disabled", "A webhook was disabled",
     "Nothing is sent to {{url}} any more: {{reason}}.\n\n"
     "What waits for it is kept and goes out when it is enabled again (PATCH /v1/admin/webhooks/{{webhook_id}} with "
     "the "
     "status enabled). What happens until then is not told to it afterwards.\n"},
    {"user.registered", "Welcome, {{first_name}}",
     "Hello {{first_name}},\n\n"
     "your account for {{email}} is ready; you can log in.\n\n"
     "It was not you who made it? Then write to us, please, and we delete it.\n"},
    {"registration.repeated", "You have an account already",
     "Hello {{first_name}},\n\n"
     "somebody has just tried to make an account for {{email}}, which has one already. Was it you? Then log in with "
     "the password that you have.\n\n"
     "It was not you? Then you need not do anything: your account is as it was.\n"},
};

std::string one_line(std::string_view value) {
  std::string out(value);
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace

std::optional<Content> render(std::string_view kind, const Values& values) {
  const auto* found = std::ranges::find(all_templates, kind, &Template::kind);
  if (found == std::end(all_templates)) return std::nullopt;
  Content content{.subject = fill(found->subject, values), .text = fill(found->text, values), .html = {}};
  content.html = to_html(content.subject, content.text);
  return content;
}

bool is_told(std::string_view kind) {
  return std::ranges::find(all_templates, kind, &Template::kind) != std::end(all_templates);
}

std::string fill(std::string_view pattern, const Values& values) {
  std::string out;
  for (;;) {
    const auto open = pattern.find("{{");
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) return out;
    const auto close = pattern.find("}}", open);
    if (close == std::string_view::npos) throw std::logic_error("a template has {{ without }}");
    const auto name = pattern.substr(open + 2, close - open - 2);
    const auto value = values.find(name);
    if (value == values.end()) throw std::logic_error("a template wants the value " + std::string(name));
    out += one_line(value->second);
    pattern.remove_prefix(close + 2);
  }
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string to_html(std::string_view subject, std::string_view text) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>" + escape_html(subject) +
      "</title></head>\n<body style=\"font-family: sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em\">\n";
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    auto paragraph = text.substr(0, end);
    while (paragraph.ends_with('\n')) paragraph.remove_suffix(1);
    if (!paragraph.empty()) out += "<p>" + escape_html(paragraph) + "</p>\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return out + "</body>\n</html>\n";
}

}  // namespace souk::notification::templates
