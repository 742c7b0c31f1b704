#include "import_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "core/blocking_pool.hpp"
#include "core/failure.hpp"
#include "line_reader.hpp"

namespace souk {
namespace {

using Lines = std::vector<std::pair<std::int64_t, std::string>>;

constexpr std::size_t batch_size = 500;
constexpr std::size_t stock_batch_size = 5000;  // a call takes 10,000; a line may have 1000 variants
constexpr std::size_t longest_reference = 100;
constexpr int attempts = 5;

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
    const auto seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    constexpr int width = 40;
    const int filled = std::min(width, static_cast<int>(part * width));
    fmt::print(stderr, "\r[{}{}] {:3.0f} %  {} lines, {:.0f} a second",
               std::string(static_cast<std::size_t>(filled), '#'),
               std::string(static_cast<std::size_t>(width - filled), ' '), part * 100, lines,
               static_cast<double>(lines) / std::max(seconds, 0.001));
    std::fflush(stderr);
  }
  void end() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  Deadline started_ = Clock::now();
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

// Runs the task that `make` gives; again where nothing was done, or where it is not known whether it was: everything
// here may be done twice.
template <class T>
T run_patiently(Runtime& runtime, const std::function<Task<Result<T>>(Context)>& make) {
  for (int attempt = 1;; ++attempt) {
    try {
      auto result = runtime.block_on(make(import_context()));
      if (!result) throw std::runtime_error(result.error().detail);
      return *std::move(result);
    } catch (const Unavailable&) {
      if (attempt == attempts) throw;
    } catch (const UnknownOutcome&) {
      if (attempt == attempts) throw;
    } catch (const Overloaded&) {
      if (attempt == attempts) throw;
    }
    std::this_thread::sleep_for(attempt * std::chrono::milliseconds(300));
  }
}

// Hands the file's lines to `load`, some hundred at a time; empty lines are passed over. Returns how many were too
// long.
std::int64_t for_each_batch(const std::string& file, const std::function<void(const Lines&)>& load) {
  LineReader reader(file);
  const Progress progress;
  Lines batch;
  std::int64_t last = 0;
  std::int64_t too_long = 0;
  const auto flush = [&] {
    progress.end();
    load(batch);
    batch.clear();
    progress.show(reader.progress(), last);
  };
  while (auto line = reader.next()) {
    last = line->number;
    if (line->text.find_first_not_of(" \t") == std::string::npos) continue;
    if (line->too_long) {
      progress.end();
      tell_refused(file, line->number, "is longer than 1 MiB");
      ++too_long;
      continue;
    }
    batch.emplace_back(line->number, std::move(line->text));
    if (batch.size() == batch_size) flush();
  }
  if (!batch.empty()) flush();
  progress.end();
  return too_long;
}

class ReviewImport {
 public:
  ReviewImport(Runtime& runtime, review::Api& reviews, std::string name)
      : runtime_(runtime), reviews_(reviews), name_(std::move(name)) {}

  void load(const Lines& lines) {
    const auto imported = run_patiently<review::ImportedReviews>(
        runtime_, [&](Context context) { return reviews_.import_reviews(std::move(context), {texts_of(lines)}); });
    for (std::size_t i = 0; i < imported.lines.size(); ++i) {
      const auto& line = imported.lines[i];
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

int finish(ImportCounts counts, std::int64_t too_long, std::string_view what, Deadline started) {
  counts.refused += too_long;
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  const auto lines = counts.changed + counts.unchanged + counts.refused;
  fmt::print("{} {} loaded, {} unchanged, {} refused in {:.1f} s ({:.0f} a second)\n", counts.changed, what,
             counts.unchanged, counts.refused, seconds, static_cast<double>(lines) / std::max(seconds, 0.001));
  return counts.refused == 0 ? 0 : 1;
}

}  // namespace

void ProductImport::load(const Lines& lines) {
  const auto imported = run_patiently<catalog::ImportedProducts>(
      runtime_, [&](Context context) { return catalog_.import_products(std::move(context), {texts_of(lines)}); });
  std::vector<inventory::OpeningStock> stock;
  for (std::size_t i = 0; i < imported.lines.size(); ++i) {
    const auto& line = imported.lines[i];
    if (line.problem) {
      tell_refused(name_, lines[i].first, *line.problem);
      ++counts_.refused;
      continue;
    }
    ++(line.changed ? counts_.changed : counts_.unchanged);
    for (const auto& item : line.stock) {
      stock.push_back({item.sellable_id, item.sku, item.quantity.value_or(stock_)});
    }
  }
  open_stock(stock);
}

void ProductImport::open_stock(const std::vector<inventory::OpeningStock>& stock) {
  for (std::size_t from = 0; from < stock.size(); from += stock_batch_size) {
    open_some(std::span(stock).subspan(from, std::min(stock_batch_size, stock.size() - from)));
  }
}

void ProductImport::open_some(std::span<const inventory::OpeningStock> stock) {
  auto reference = "import:" + std::filesystem::path(name_).filename().string();
  // A file's name need not be UTF-8, nor short.
  std::ranges::replace_if(reference, [](char c) { return c < ' ' || c > '~'; }, '_');
  const inventory::OpenStock opening{.items = {stock.begin(), stock.end()},
                                     .reference_id = reference.substr(0, longest_reference)};
  const auto opened = run_patiently<inventory::OpenedStock>(
      runtime_, [&](Context context) { return inventory_.open_stock(std::move(context), opening); });
  counts_.stocked += opened.created;
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
    const auto too_long = for_each_batch(parsed->file, [&](const Lines& lines) { import.load(lines); });
    return finish(import.counts(), too_long, "products", started);
  }
  ReviewImport import(runtime, reviews, parsed->file);
  const auto too_long = for_each_batch(parsed->file, [&](const Lines& lines) { import.load(lines); });
  return finish(import.counts(), too_long, "reviews", started);
}

}  // namespace souk
