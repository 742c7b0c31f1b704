#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace souk::redis {

// A Redis of one test's own, which it may kill: on a Unix socket in a folder of its own, without persistence.
class PrivateServer {
 public:
  explicit PrivateServer(std::vector<std::string> more_options = {}) : more_options_(std::move(more_options)) {
    char name[] = "/tmp/souk-redis-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("no folder for the test's Redis");
    folder_ = name;
    start();
  }
  ~PrivateServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  static bool available() { return std::filesystem::exists(program); }
  std::string url() const { return "unix://" + socket(); }
  std::string socket() const { return folder_ + "/s"; }

  void start() {
    std::vector<std::string> words = {
        program,        "--port", "0",     "--unixsocket", socket(),    "--save",        "",
        "--appendonly", "no",     "--dir", folder_,        "--logfile", folder_ + "/log"};
    words.insert(words.end(), more_options_.begin(), more_options_.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawn(&pid_, program, nullptr, nullptr, argv.data(), environ) != 0) {
      throw std::runtime_error("the test's Redis does not start");
    }
    for (int i = 0; i < 500; ++i) {
      if (accepts()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the test's Redis does not answer");
  }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // Stopped, not ended: the peer that accepts and never answers.
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }

 private:
  static constexpr const char* program = "/usr/bin/redis-server";

  bool accepts() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
    const bool ok = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return ok;
  }

  std::vector<std::string> more_options_;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace souk::redis
