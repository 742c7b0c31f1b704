#include "settings.hpp"

#include <filesystem>

#include "file_transport.hpp"

namespace souk::notification {

std::unique_ptr<Transport> make_transport(const std::string& home) {
  const std::filesystem::path folder = settings::mail_dir.get();
  if (folder.empty()) return nullptr;
  // A path that begins with '/' replaces what stands before it.
  return std::make_unique<FileTransport>(std::filesystem::path(home) / folder, settings::mail_from.get());
}

}  // namespace souk::notification
