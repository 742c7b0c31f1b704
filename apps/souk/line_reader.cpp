#include "line_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace souk {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;

}  // namespace

LineReader::LineReader(const std::string& path) : path_(path), buffer_(buffer_size) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw std::runtime_error(fmt::format("{} is a folder", path));
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));  // gives what is not compressed as it is
  if (!file_) throw std::runtime_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  gzbuffer(file_.get(), buffer_size);
  const auto size = std::filesystem::file_size(path, error);
  size_ = error ? 0 : static_cast<std::int64_t>(size);  // a pipe has none
}

bool LineReader::refill() {
  const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int code = Z_OK;
  const char* message = gzerror(file_.get(), &code);
  if (count < 0 || code == Z_BUF_ERROR) throw std::runtime_error(fmt::format("cannot read {}: {}", path_, message));
  begin_ = 0;
  end_ = static_cast<std::size_t>(count);
  return count > 0;
}

std::optional<LineReader::Line> LineReader::next() {
  if (begin_ == end_ && !refill()) return std::nullopt;
  Line line{.number = ++lines_};
  for (;;) {
    const auto from = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto stop = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto newline = std::find(from, stop, '\n');
    const auto length = static_cast<std::size_t>(newline - from);
    const auto room = max_line - line.text.size();
    line.text.append(from, from + static_cast<std::ptrdiff_t>(std::min(length, room)));
    line.too_long = line.too_long || length > room;
    begin_ += length;
    if (newline != stop) {
      ++begin_;
      break;
    }
    if (!refill()) break;
  }
  if (line.text.ends_with('\r')) line.text.pop_back();
  if (line.number == 1 && line.text.starts_with("\xef\xbb\xbf")) line.text.erase(0, 3);
  return line;
}

double LineReader::progress() const {
  const auto offset = gzoffset(file_.get());
  if (size_ <= 0 || offset < 0) return 0;
  return std::min(1.0, static_cast<double>(offset) / static_cast<double>(size_));
}

}  // namespace souk
