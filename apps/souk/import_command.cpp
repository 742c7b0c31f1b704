#include "import_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>

#include "line_reader.hpp"

namespace souk {
namespace {

using Lines = std::vector<std::pair<std::int64_t, std::string>>;

constexpr std::size_t batch_size = 500;

struct ImportArguments {
  std::string what;
  std::string file;
  std::int64_t stock = 100;
};

std::optional<ImportArguments> parse(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return std::nullopt;
  ImportArguments parsed{.what = arguments[0], .file = arguments[1]};
  if (parsed.what != "products" && parsed.what != "reviews") return std::nullopt;
  if (arguments.size() == 2) return parsed;
  if (parsed.what != "products" || arguments.size() != 4 || arguments[2] != "--stock") return std::nullopt;
  const auto& number = arguments[3];
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parsed.stock);
  const bool whole = error == std::errc{} && end == number.data() + number.size();
  if (!whole || parsed.stock < 0 || parsed.stock > 1'000'000'000) return std::nullopt;
  return parsed;
}

// A bar on a terminal, nothing anywhere else.
class Progress {
 public:
  void show(double part, std::int64_t lines) const {
    if (!terminal_) return;
    constexpr int width = 40;
    const int filled = std::min(width, static_cast<int>(part * width));
    fmt::print(stderr, "\r[{}{}] {:3.0f} %  {} lines", std::string(static_cast<std::size_t>(filled), '#'),
               std::string(static_cast<std::size_t>(width - filled), ' '), part * 100, lines);
    std::fflush(stderr);
  }
  void end() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

void tell_refused(const std::string& file, std::int64_t line, const std::string& problem) {
  fmt::print(stderr, "{}:{}: {}\n", file, line, problem);
}

Context import_context() { return Context::background("import", std::chrono::seconds(60)); }

std::vector<std::string> texts_of(const Lines& lines) {
  std::vector<std::string> texts;
  texts.reserve(lines.size());
  for (const auto& [number, text] : lines) texts.push_back(text);
  return texts;
}

// Hands the file's lines to `load`, some hundred at a time; empty lines are passed over.
void for_each_batch(const std::string& file, const std::function<void(const Lines&)>& load) {
  LineReader reader(file);
  const Progress progress;
  Lines batch;
  const auto flush = [&] {
    progress.end();
    load(batch);
    batch.clear();
    progress.show(reader.progress(), reader.line_number());
  };
  while (auto line = reader.next()) {
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    batch.emplace_back(reader.line_number(), *std::move(line));
    if (batch.size() == batch_size) flush();
  }
  if (!batch.empty()) flush();
  progress.end();
}

class ReviewImport {
 public:
  ReviewImport(Runtime& runtime, review::Api& reviews, std::string name)
      : runtime_(runtime), reviews_(reviews), name_(std::move(name)) {}

  void load(const Lines& lines) {
    const auto imported = runtime_.block_on(reviews_.import_reviews(import_context(), {texts_of(lines)}));
    if (!imported) throw std::runtime_error(imported.error().detail);
    for (std::size_t i = 0; i < imported->lines.size(); ++i) {
      const auto& line = imported->lines[i];
      if (line.problem) {
        tell_refused(name_, lines[i].first, *line.problem);
        ++counts_.refused;
      } else {
        ++(line.changed ? counts_.changed : counts_.unchanged);
      }
    }
  }
  const ImportCounts& counts() const { return counts_; }

 private:
  Runtime& runtime_;
  review::Api& reviews_;
  std::string name_;
  ImportCounts counts_;
};

int finish(const ImportCounts& counts, std::string_view what, Deadline started) {
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  const auto lines = counts.changed + counts.unchanged + counts.refused;
  fmt::print("{} {} loaded, {} unchanged, {} refused in {:.1f} s ({:.0f} a second)\n", counts.changed, what,
             counts.unchanged, counts.refused, seconds, static_cast<double>(lines) / std::max(seconds, 0.001));
  return counts.refused == 0 ? 0 : 1;
}

}  // namespace

void ProductImport::load(const Lines& lines) {
  const auto imported = runtime_.block_on(catalog_.import_products(import_context(), {texts_of(lines)}));
  if (!imported) throw std::runtime_error(imported.error().detail);
  inventory::OpenStock opening{.reference_id = "import:" + std::filesystem::path(name_).filename().string()};
  for (std::size_t i = 0; i < imported->lines.size(); ++i) {
    const auto& line = imported->lines[i];
    if (line.problem) {
      tell_refused(name_, lines[i].first, *line.problem);
      ++counts_.refused;
      continue;
    }
    ++(line.changed ? counts_.changed : counts_.unchanged);
    for (const auto& item : line.stock) {
      opening.items.push_back({item.sellable_id, item.sku, item.quantity.value_or(stock_)});
    }
  }
  if (opening.items.empty()) return;
  const auto opened = runtime_.block_on(inventory_.open_stock(import_context(), std::move(opening)));
  if (!opened) throw std::runtime_error(opened.error().detail);
  counts_.stocked += opened->created;
}

int run_import(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, review::Api& reviews,
               const std::vector<std::string>& arguments) {
  const auto parsed = parse(arguments);
  if (!parsed) {
    fmt::print(stderr, "usage: souk import products FILE [--stock N]\n       souk import reviews FILE\n");
    return 2;
  }
  const auto started = Clock::now();
  if (parsed->what == "products") {
    ProductImport import(runtime, catalog, inventory, parsed->file, parsed->stock);
    for_each_batch(parsed->file, [&](const Lines& lines) { import.load(lines); });
    return finish(import.counts(), "products", started);
  }
  ReviewImport import(runtime, reviews, parsed->file);
  for_each_batch(parsed->file, [&](const Lines& lines) { import.load(lines); });
  return finish(import.counts(), "reviews", started);
}

}  // namespace souk
