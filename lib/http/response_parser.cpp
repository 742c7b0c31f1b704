#include "http/response_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace souk::http {
namespace {

namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::uint32_t max_header = 64 * 1024;

class Parser final : public beast::http::basic_parser<false> {
 public:
  explicit Parser(std::size_t max_body) {
    header_limit(max_header);
    body_limit(max_body);
    eager(true);
  }

  ClientResponse response;

 private:
  void on_response_impl(int status, beast::string_view, int, error_code&) override { response.status = status; }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, error_code&) override {
    if (!head_done_) response.headers.emplace_back(name, value);
  }
  void on_header_impl(error_code&) override { head_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
    response.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override {
    response.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  bool head_done_ = false;
};

bool is_interim(int status) { return status >= 100 && status < 200; }

}  // namespace

struct ResponseParser::Impl {
  std::size_t max_body;
  std::optional<Parser> parser{};
};

ResponseParser::ResponseParser(std::size_t max_body) : impl_(std::make_unique<Impl>(max_body)) {
  impl_->parser.emplace(max_body);
}

ResponseParser::~ResponseParser() = default;

std::optional<std::string> ResponseParser::put(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  while (consumed < bytes.size() && !done()) {
    error_code error;
    const auto rest = bytes.substr(consumed);
    consumed += impl_->parser->put(boost::asio::buffer(rest.data(), rest.size()), error);
    if (error == beast::http::error::need_more) return std::nullopt;
    if (error) return error.message();
    if (impl_->parser->is_done() && is_interim(impl_->parser->response.status)) {
      impl_->parser.emplace(impl_->max_body);
    }
  }
  return std::nullopt;
}

std::optional<std::string> ResponseParser::put_end() {
  error_code error;
  if (!impl_->parser->got_some()) return "the connection was closed before the reply";
  impl_->parser->put_eof(error);
  if (error) return error.message();
  return std::nullopt;
}

bool ResponseParser::done() const { return impl_->parser->is_done(); }

bool ResponseParser::keep_alive() const { return impl_->parser->keep_alive(); }

ClientResponse ResponseParser::take() { return std::move(impl_->parser->response); }

}  // namespace souk::http
