#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace souk {

// The lines of a text file, compressed by gzip or not, one after the other.
class LineReader {
 public:
  static constexpr std::size_t max_line = 1024 * 1024;

  // Throws std::runtime_error with a sentence when the file cannot be opened.
  explicit LineReader(const std::string& path);

  struct Line {
    std::int64_t number = 0;  // from 1
    std::string text;         // without its end
    bool too_long = false;    // longer than max_line: the text is cut
  };
  // Empty at the end. Throws std::runtime_error with a sentence when the file cannot be read on, or is cut off.
  std::optional<Line> next();
  double progress() const;  // part of the file, as it lies on the disk, that was read: 0 to 1

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  bool refill();

  std::string path_;
  std::int64_t size_ = 0;
  std::int64_t lines_ = 0;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // what of the buffer was not yet given
  std::size_t end_ = 0;
};

}  // namespace souk
