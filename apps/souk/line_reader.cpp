#include "line_reader.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace souk {
namespace {

constexpr std::size_t max_line = 1024 * 1024;

}  // namespace

LineReader::LineReader(const std::string& path) : path_(path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw std::runtime_error(fmt::format("{} is a folder", path));
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));
  if (!file_) throw std::runtime_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  gzbuffer(file_.get(), 256 * 1024);
  size_ = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
}

std::optional<std::string> LineReader::next() {
  for (;;) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      ++line_;
      return line;
    }
    if (buffer_.size() > max_line) {
      throw std::runtime_error(fmt::format("{}:{}: the line is longer than 1 MiB", path_, line_ + 1));
    }
    char chunk[64 * 1024];
    const int read = gzread(file_.get(), chunk, sizeof chunk);
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    if (read < 0 || code == Z_BUF_ERROR) throw std::runtime_error(fmt::format("cannot read {}: {}", path_, message));
    if (read == 0) break;
    buffer_.append(chunk, static_cast<std::size_t>(read));
  }
  if (buffer_.empty()) return std::nullopt;
  ++line_;
  return std::exchange(buffer_, {});
}

double LineReader::progress() const {
  return size_ <= 0 ? 0 : static_cast<double>(gzoffset(file_.get())) / static_cast<double>(size_);
}

}  // namespace souk
