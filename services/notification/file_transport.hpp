#pragma once

#include <deque>
#include <filesystem>
#include <string>

#include "core/blocking_pool.hpp"
#include "transport.hpp"

namespace souk::notification {

// Writes each mail as a file "<time>-<id>.eml" that every mail program opens, for where there is no mail server.
// Keeps the newest 1000.
class FileTransport final : public Transport {
 public:
  // The folder is made with the first mail.
  FileTransport(std::filesystem::path folder, std::string sender);

  std::string name() const override { return "file"; }
  Task<Delivery> send(Context context, Message message) override;

 private:
  Delivery write(const Message& message);
  void read_folder();

  std::filesystem::path folder_;
  std::string sender_;
  std::deque<std::string> names_;  // oldest first
  bool folder_read_ = false;
  BlockingPool pool_{1, 256};  // one thread, so what is above needs no lock
};

}  // namespace souk::notification
