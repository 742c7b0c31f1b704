#include "line_reader.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace souk {
namespace {

class LineReaderTest : public ::testing::Test {
 protected:
  LineReaderTest() : path_(std::filesystem::temp_directory_path() / ("souk-lines-" + std::to_string(::getpid()))) {}
  ~LineReaderTest() override { std::filesystem::remove(path_); }

  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  void compress(const std::string& text) {
    const auto file = gzopen(path_.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  }
  std::vector<std::string> texts() {
    LineReader reader(path_);
    std::vector<std::string> lines;
    while (auto line = reader.next()) lines.push_back(std::move(line->text));
    EXPECT_EQ(reader.progress(), 1.0);
    return lines;
  }

  using Lines = std::vector<std::string>;
  const std::filesystem::path path_;
};

TEST_F(LineReaderTest, LinesAreNumberedAndTheLastNeedsNoEnd) {
  write("a\n\nb");
  LineReader reader(path_);
  EXPECT_EQ(reader.next()->number, 1);
  EXPECT_EQ(reader.next()->text, "");
  const auto last = reader.next();
  EXPECT_EQ(last->text, "b");
  EXPECT_EQ(last->number, 3);
  EXPECT_FALSE(reader.next());
}

TEST_F(LineReaderTest, CompressedFilesAreReadLikePlainOnes) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
  compress(text);
  const auto packed = texts();
  write(text);
  EXPECT_EQ(packed, texts());
  EXPECT_EQ(packed.size(), 100'000u);
  EXPECT_EQ(packed.back(), "99999");
}

TEST_F(LineReaderTest, WindowsEndsAndAByteOrderMarkAreNoPartOfALine) {
  write("\xef\xbb\xbf{}\r\nb\r\n");
  EXPECT_EQ(texts(), (Lines{"{}", "b"}));
}

TEST_F(LineReaderTest, ATooLongLineIsToldAndTheRestIsRead) {
  write("a\n" + std::string(LineReader::max_line + 1, 'x') + "\n" + std::string(LineReader::max_line, 'y') + "\nb\n");
  LineReader reader(path_);
  EXPECT_FALSE(reader.next()->too_long);
  EXPECT_TRUE(reader.next()->too_long);
  const auto fits = reader.next();
  EXPECT_FALSE(fits->too_long);
  EXPECT_EQ(fits->text.size(), LineReader::max_line);
  EXPECT_EQ(reader.next()->text, "b");
}

TEST_F(LineReaderTest, AFileThatIsCutOffIsAnError) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919) + "\n";
  compress(text);
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  LineReader reader(path_);
  const auto read_all = [&] {
    while (reader.next()) {
    }
  };
  EXPECT_THROW(read_all(), std::runtime_error);
}

TEST_F(LineReaderTest, WhatIsNoFileIsExplained) {
  EXPECT_THROW(LineReader("/nowhere/at-all"), std::runtime_error);
  EXPECT_THROW(LineReader(std::filesystem::temp_directory_path().string()), std::runtime_error);
}

}  // namespace
}  // namespace souk
