#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace souk {

// The lines of a text file, compressed by gzip or not, one after the other. Throws std::runtime_error with a sentence
// when the file cannot be read, is cut off, or has a line longer than 1 MiB.
class LineReader {
 public:
  explicit LineReader(const std::string& path);

  std::optional<std::string> next();
  std::int64_t line_number() const { return line_; }  // of the line that next() gave, from 1
  double progress() const;                            // part of the file that was read, 0 to 1

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };

  std::string path_;
  std::int64_t size_ = 0;
  std::int64_t line_ = 0;
  std::unique_ptr<gzFile_s, Close> file_;
  std::string buffer_;
};

}  // namespace souk
