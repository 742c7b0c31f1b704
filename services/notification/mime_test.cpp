#include "mime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "file_transport.hpp"
#include "testing/engines.hpp"

namespace souk::notification {
namespace {

using ::testing::HasSubstr;

Message message() {
  return {.id = Uuid::v7(),
          .message_id = "1@example.com",
          .recipient = "anna@example.com",
          .subject = "Your order",
          .text = "Thank you for your order.",
          .html = "<p>Thank you</p>",
          .created_at = parse_timestamp("2026-03-01T12:00:00Z").value()};
}

TEST(Mime, AMessageHasBothPartsAndItsStableId) {
  const auto mail = mime::compose(message(), "Souk <shop@example.com>");
  EXPECT_THAT(mail, HasSubstr("Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("From: Souk <shop@example.com>\r\n"));
  EXPECT_THAT(mail, HasSubstr("To: anna@example.com\r\n"));
  EXPECT_THAT(mail, HasSubstr("Message-ID: <1@example.com>\r\n"));
  EXPECT_THAT(mail, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(mail, HasSubstr("Thank you for your order.\r\n"));
  EXPECT_THAT(mail, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
}

TEST(Mime, LinesEndInCrlfAndAreShort) {
  auto long_one = message();
  long_one.text = std::string(5000, 'x') + "ä\n";
  long_one.subject = std::string(200, 'y') + "ä";
  std::istringstream lines(mime::compose(long_one, "shop@example.com"));
  for (std::string line; std::getline(lines, line);) {
    ASSERT_TRUE(line.ends_with('\r'));
    EXPECT_LE(line.size(), 100U);
  }
}

TEST(Mime, AHeaderThatIsNotAsciiBecomesEncodedWordsCutBetweenCharacters) {
  EXPECT_EQ(mime::encode_header("plain"), "plain");
  EXPECT_EQ(mime::encode_header("Grüße"), "=?utf-8?B?R3LDvMOfZQ==?=");
  // 44 + 2 bytes: the umlaut does not fit into the first word.
  const auto two = mime::encode_header(std::string(44, 'a') + "ü");
  EXPECT_THAT(two, HasSubstr("?=\r\n =?utf-8?B?w7w=?="));
  EXPECT_EQ(mime::encode_header("a\r\nBcc: b@example.com").find("\nBcc"), std::string::npos);
}

TEST(Mime, TextIsReadableAndComesThroughAnyServer) {
  EXPECT_EQ(mime::quoted_printable(""), "");
  EXPECT_EQ(mime::quoted_printable("a = b\n\nGrüße \n"), "a =3D b\r\n\r\nGr=C3=BC=C3=9Fe=20\r\n");
  EXPECT_EQ(mime::quoted_printable("\r\t"), "=0D=09\r\n");
  EXPECT_EQ(mime::quoted_printable(std::string(80, 'x')), std::string(75, 'x') + "=\r\n" + "xxxxx\r\n");
  // An encoded character is not torn apart.
  EXPECT_EQ(mime::quoted_printable(std::string(73, 'x') + "="), std::string(73, 'x') + "=\r\n=3D\r\n");
}

class FileTransportTest : public ::testing::Test {
 protected:
  FileTransportTest() : folder_(std::filesystem::temp_directory_path() / ("souk-mail-" + Uuid::v7().to_string())) {}
  ~FileTransportTest() override { std::filesystem::remove_all(folder_); }
  static Task<Delivery> send_on(Transport& transport, Message message) {
    co_return co_await transport.send(souk::testing::test_context(), std::move(message));
  }
  std::size_t count() {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }

  Runtime runtime_{1};
  std::filesystem::path folder_;
};

TEST_F(FileTransportTest, AMailIsOneFileHoweverOftenItIsSent) {
  FileTransport transport(folder_, "shop@example.com");
  const auto mail = message();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(runtime_.block_on(send_on(transport, mail)).outcome, Outcome::taken);
  }
  ASSERT_EQ(count(), 1U);
  std::ifstream file(std::filesystem::directory_iterator(folder_)->path());
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, mime::compose(mail, "shop@example.com"));
}

TEST_F(FileTransportTest, AFolderThatCannotBeWrittenIsTriedAgainLater) {
  std::ofstream(folder_) << "a file where the folder should be";
  FileTransport transport(folder_, "shop@example.com");
  EXPECT_THROW(runtime_.block_on(send_on(transport, message())), std::filesystem::filesystem_error);
}

TEST_F(FileTransportTest, OldMailsMakeRoom) {
  std::filesystem::create_directories(folder_);
  for (int i = 0; i < 1005; ++i) std::ofstream(folder_ / ("20200101T000000Z-" + std::to_string(1000 + i) + ".eml"));
  FileTransport transport(folder_, "shop@example.com");
  runtime_.block_on(send_on(transport, message()));
  EXPECT_EQ(count(), 1000U);
}

}  // namespace
}  // namespace souk::notification
