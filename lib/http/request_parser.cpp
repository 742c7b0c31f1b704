#include "http/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "http/url.hpp"

namespace souk::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;
using beast::http::verb;
using boost::system::error_code;

Refused bad_request(std::string detail) { return {400, "request.bad_http", std::move(detail)}; }

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(verb v) {
  switch (v) {
    case verb::get:
    case verb::head: return Method::GET;
    case verb::post: return Method::POST;
    case verb::put: return Method::PUT;
    case verb::patch: return Method::PATCH;
    case verb::delete_: return Method::DELETE;
    default: return Method::OTHER;
  }
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

// A refusal that a callback of the parser wants; the parser itself only knows error codes.
error_code stop() { return make_error_code(boost::system::errc::bad_message); }

class Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(RequestParser::Limits limits) : limits_(limits) {
    header_limit(1U << 20);  // the connection counts the bytes
    eager(false);
  }

  RequestHead head;
  std::string body;
  std::optional<Refused> refused;
  std::string host;

 private:
  void refuse(Refused why, error_code& ec) {
    if (!refused) refused = std::move(why);
    ec = stop();
  }

  void on_request_impl(verb v, beast::string_view, beast::string_view target, int version, error_code& ec) override {
    head.method = method_of(v);
    head.is_head = v == verb::head;
    head.version = version;
    if (version != 10 && version != 11) return refuse({505, "request.bad_http", "Use HTTP/1.1."}, ec);
    if (target.size() > limits_.target) {
      return refuse(
          {414, "request.url_too_long", "The URL may have at most " + std::to_string(limits_.target) + " bytes."}, ec);
    }
    head.target = view(target);
  }

  void on_field_impl(field f, beast::string_view name, beast::string_view value, error_code& ec) override {
    if (head_done_) return;  // trailers are not headers
    if (head.headers.size() >= limits_.fields) {
      return refuse({431, "request.headers_too_large", "The request has too many header fields."}, ec);
    }
    head.headers.emplace_back(view(name), view(value));
    switch (f) {
      case field::host:
        if (hosts_++ > 0 || !is_host(view(value)))
          return refuse(bad_request("The Host header is wrong or double."), ec);
        host = view(value);
        return;
      case field::content_length: return on_content_length(view(value), ec);
      case field::transfer_encoding:
        if (encodings_++ > 0 || !equal_ignoring_case(view(value), "chunked")) {
          return refuse({501, "request.bad_http", "The only transfer encoding understood is chunked, once."}, ec);
        }
        head.chunked = true;
        return;
      case field::expect:
        if (!equal_ignoring_case(view(value), "100-continue")) {
          return refuse({417, "request.bad_http", "The only expectation understood is 100-continue."}, ec);
        }
        head.expects_continue = true;
        return;
      default: return;
    }
  }

  void on_content_length(std::string_view value, error_code& ec) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.content_length);
    const bool digits = !value.empty() && error == std::errc{} && end == value.data() + value.size();
    if (lengths_++ > 0 || !digits) refuse(bad_request("The Content-Length is wrong or double."), ec);
  }

  void on_header_impl(error_code& ec) override {
    head_done_ = true;
    if (lengths_ > 0 && encodings_ > 0) {
      return refuse(bad_request("Content-Length and Transfer-Encoding exclude each other."), ec);
    }
    if (head.version == 10 && encodings_ > 0) {
      return refuse(bad_request("HTTP/1.0 has no Transfer-Encoding."), ec);
    }
    if (head.version == 11 && hosts_ == 0) return refuse(bad_request("The Host header is required."), ec);
    head.keep_alive = keep_alive();
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64 * 1024)));
  }
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  RequestParser::Limits limits_;
  int hosts_ = 0;
  int lengths_ = 0;
  int encodings_ = 0;
  bool head_done_ = false;
};

// "http://host/path" (RFC 9112 section 3.2.2) as "/path"; other forms than these two are refused.
std::optional<Refused> normalise_target(RequestHead& head) {
  auto& target = head.target;
  if (target.starts_with('/')) {
    if (target.find('#') == std::string::npos) return std::nullopt;
    return bad_request("A request target has no fragment.");
  }
  const auto url = Url::parse(target);
  if (!url) return bad_request("The request target must be a path or an http URL.");
  for (auto& [name, value] : head.headers) {
    if (equal_ignoring_case(name, "host")) value = url->authority;
  }
  target = url->target;
  return std::nullopt;
}

// Lines that go on in the next one (obs-fold) are read differently by different implementations.
bool has_folded_line(std::string_view head) {
  return head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos;
}

}  // namespace

struct RequestParser::Impl {
  Limits limits;
  std::optional<Parser> parser{};
};

RequestParser::RequestParser(Limits limits) : impl_(std::make_unique<Impl>(limits)) { reset(); }

RequestParser::~RequestParser() = default;

void RequestParser::reset() { impl_->parser.emplace(impl_->limits); }

std::optional<Refused> RequestParser::parse_head(std::string_view head) {
  if (has_folded_line(head)) return bad_request("A header line must not be continued.");
  auto& parser = *impl_->parser;
  error_code ec;
  parser.body_limit(boost::none);
  const auto consumed = parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  if (parser.refused) return parser.refused;
  if (ec == beast::http::error::bad_version) return Refused{505, "request.bad_http", "Use HTTP/1.1."};
  if (ec || consumed != head.size() || !parser.is_header_done()) {
    return bad_request("This is not a well-formed HTTP request: " + (ec ? ec.message() : "bad head") + ".");
  }
  return normalise_target(parser.head);
}

std::optional<Refused> RequestParser::limit_body(std::size_t bytes) {
  auto& parser = *impl_->parser;
  parser.body_limit(bytes);
  parser.eager(true);
  if (parser.head.content_length <= bytes) return std::nullopt;
  return Refused{413, "request.too_large", "The body may have at most " + std::to_string(bytes) + " bytes here."};
}

std::optional<Refused> RequestParser::parse_body(std::string_view bytes, std::size_t& consumed) {
  auto& parser = *impl_->parser;
  error_code ec;
  consumed = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  if (!ec || ec == beast::http::error::need_more) return std::nullopt;
  if (ec == beast::http::error::body_limit) return Refused{413, "request.too_large", "The body is too large."};
  return bad_request("The body is not well-formed: " + ec.message() + ".");
}

bool RequestParser::done() const { return impl_->parser->is_done(); }

RequestHead& RequestParser::head() { return impl_->parser->head; }

std::string& RequestParser::body() { return impl_->parser->body; }

}  // namespace souk::http
