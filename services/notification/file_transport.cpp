#include "file_transport.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "mime.hpp"

namespace souk::notification {
namespace {

constexpr std::size_t most_files = 1000;

std::string file_name(const Message& message) {
  const auto time = std::chrono::system_clock::to_time_t(message.created_at);
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{}.eml", fmt::gmtime(time), message.id.to_string());
}

}  // namespace

FileTransport::FileTransport(std::filesystem::path folder, std::string sender)
    : folder_(std::move(folder)), sender_(std::move(sender)) {}

Task<Delivery> FileTransport::send(Context, Message message) {
  co_return co_await pool_.run([this, message = std::move(message)] { return write(message); });
}

Delivery FileTransport::write(const Message& message) {
  if (!folder_read_) read_folder();
  const auto name = file_name(message);
  const auto unfinished = folder_ / (name + ".part");
  {
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file << mime::compose(message, sender_);
    file.close();
    if (!file) return {.outcome = Delivery::Outcome::try_again, .why = "cannot write " + unfinished.string()};
  }
  // A reader of the folder never sees half a mail.
  std::filesystem::rename(unfinished, folder_ / name);
  if (std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
  while (names_.size() > most_files) {
    std::filesystem::remove(folder_ / names_.front());
    names_.pop_front();
  }
  return {};
}

void FileTransport::read_folder() {
  std::filesystem::create_directories(folder_);
  names_.clear();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() == ".eml") names_.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names_);  // their names begin with the time
  folder_read_ = true;
}

}  // namespace souk::notification
