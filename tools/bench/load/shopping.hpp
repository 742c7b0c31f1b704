#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http_client.hpp"

namespace souk::load {

// What a line of the products' file names: an id, and the variant's where it comes in variants ("id" or "id<TAB>id").
struct Article {
  std::string product_id;
  std::string variant_id;
};

// The lines of a file. Throws std::runtime_error when it cannot be read or has none.
std::vector<std::string> lines_of(const std::string& path);
std::vector<Article> articles_of(const std::string& path);

// Numbers that look random and are the same in every run.
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>((state_ >> 33) % bound);
  }

 private:
  std::uint64_t state_;
};

// GET of one of the paths, any of them as likely.
std::unique_ptr<Conversation> reading(std::vector<std::string> paths, std::uint64_t seed);
// POST of an item into one of this customer's carts (50, made beforehand); a cart gets three different articles.
std::unique_ptr<Conversation> adding(std::vector<Article> articles, std::uint64_t seed);
// A guest buys one article: cart, item, checkout. `run` tells the keys of one run from those of another.
std::unique_ptr<Conversation> buying(std::vector<Article> articles, std::uint64_t seed, std::string run);

// The text of the member "name" in a reply; empty where there is none.
std::string_view text_member(std::string_view body, std::string_view name);

}  // namespace souk::load
