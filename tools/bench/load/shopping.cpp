#include "shopping.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace souk::load {
namespace {

void put_post(std::string& out, std::string_view path, std::string_view body, std::string_view more_headers = {}) {
  fmt::format_to(
      std::back_inserter(out),
      "POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", path,
      more_headers, body.size(), body);
}

void put_new_cart(std::string& out) {
  out += "POST /v1/carts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
}

void put_item(std::string& out, std::string_view cart, const Article& article) {
  const auto variant =
      article.variant_id.empty() ? std::string() : fmt::format(R"(,"variant_id":"{}")", article.variant_id);
  put_post(out, fmt::format("/v1/carts/{}/items", cart),
           fmt::format(R"({{"product_id":"{}","quantity":1{}}})", article.product_id, variant));
}

class Reading final : public Conversation {
 public:
  Reading(std::vector<std::string> paths, std::uint64_t seed) : numbers_(seed) {
    for (const auto& path : paths) requests_.push_back("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  void ask(std::string& out) override { out += requests_[numbers_.below(requests_.size())]; }
  Step hear(int status, std::string_view) override { return status == 200 ? Step::done : Step::failed; }

 private:
  std::vector<std::string> requests_;
  Sequence numbers_;
};

class Adding final : public Conversation {
 public:
  Adding(std::vector<Article> articles, std::uint64_t seed) : articles_(std::move(articles)), numbers_(seed) {}

  void ask(std::string& out) override {
    if (carts_.size() < wanted_carts) return put_new_cart(out);
    const auto cart = numbers_.below(carts_.size());
    put_item(out, carts_[cart],
             articles_[(cart * articles_a_cart + numbers_.below(articles_a_cart)) % articles_.size()]);
  }

  Step hear(int status, std::string_view body) override {
    if (carts_.size() == wanted_carts) return status == 200 || status == 201 ? Step::done : Step::failed;
    const auto id = text_member(body, "id");
    if (status != 201 || id.empty()) return Step::failed;
    carts_.emplace_back(id);
    return Step::prepared;
  }

 private:
  static constexpr std::size_t wanted_carts = 50;
  static constexpr std::size_t articles_a_cart = 3;
  std::vector<Article> articles_;
  std::vector<std::string> carts_;
  Sequence numbers_;
};

class Buying final : public Conversation {
 public:
  Buying(std::vector<Article> articles, std::uint64_t seed, std::string run)
      : articles_(std::move(articles)), numbers_(seed), name_(fmt::format("{}-{}", run, seed)) {}

  void ask(std::string& out) override {
    switch (at_) {
      case At::cart: return put_new_cart(out);
      case At::item: return put_item(out, cart_, articles_[numbers_.below(articles_.size())]);
      case At::checkout: return put_checkout(out);
    }
  }

  Step hear(int status, std::string_view body) override {
    if (status != 200 && status != 201) return ended(Step::failed);
    switch (at_) {
      case At::cart:
        cart_ = text_member(body, "id");
        at_ = At::item;
        return cart_.empty() ? ended(Step::failed) : Step::more;
      case At::item: at_ = At::checkout; return Step::more;
      case At::checkout: return ended(body.find(R"("order_number")") == body.npos ? Step::failed : Step::done);
    }
    std::unreachable();
  }

  void start_again() override { at_ = At::cart; }

 private:
  enum class At { cart, item, checkout };

  Step ended(Step step) {
    at_ = At::cart;
    return step;
  }

  void put_checkout(std::string& out) {
    ++bought_;
    const auto body = fmt::format(
        R"({{"email":"{}-{}@example.com","shipping_method":"standard","shipping_address":{{"full_name":"Ada Lovelace",)"
        R"("phone":"+14155550100","address_line1":"1 Market Street","city":"San Francisco","state":"CA",)"
        R"("postal_code":"94105","country":"US"}},"payment":{{"method":"card","token":"tok_success"}}}})",
        name_, bought_);
    put_post(out, fmt::format("/v1/carts/{}/checkout", cart_), body,
             fmt::format("Idempotency-Key: {}-{}\r\n", name_, bought_));
  }

  std::vector<Article> articles_;
  Sequence numbers_;
  std::string name_;
  At at_ = At::cart;
  std::string cart_;
  std::uint64_t bought_ = 0;
};

}  // namespace

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  if (lines.empty()) throw std::runtime_error(path + " cannot be read or is empty");
  return lines;
}

std::vector<Article> articles_of(const std::string& path) {
  std::vector<Article> articles;
  for (const auto& line : lines_of(path)) {
    const auto tab = line.find('\t');
    articles.push_back({line.substr(0, tab), tab == line.npos ? std::string() : line.substr(tab + 1)});
  }
  return articles;
}

std::unique_ptr<Conversation> reading(std::vector<std::string> paths, std::uint64_t seed) {
  return std::make_unique<Reading>(std::move(paths), seed);
}
std::unique_ptr<Conversation> adding(std::vector<Article> articles, std::uint64_t seed) {
  return std::make_unique<Adding>(std::move(articles), seed);
}
std::unique_ptr<Conversation> buying(std::vector<Article> articles, std::uint64_t seed, std::string run) {
  return std::make_unique<Buying>(std::move(articles), seed, std::move(run));
}

std::string_view text_member(std::string_view body, std::string_view name) {
  const auto key = fmt::format(R"("{}":)", name);
  auto at = body.find(key);
  if (at == body.npos) return {};
  at = body.find_first_not_of(' ', at + key.size());
  if (at == body.npos || body[at] != '"') return {};
  const auto end = body.find('"', at + 1);
  return end == body.npos ? std::string_view() : body.substr(at + 1, end - at - 1);
}

}  // namespace souk::load
