#include "supervisor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <vector>

#include "core/task.hpp"
#include "placement.hpp"
#include "settings.hpp"
#include "telemetry/log.hpp"

namespace souk {
namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

constexpr auto longest_pause = 5s;
constexpr auto lived_well = 10s;        // who lived so long is started again at once
constexpr auto time_to_be_ready = 60s;  // of a replacement; then the old process stays
constexpr auto time_to_end = 10s;       // past the drain limit

// Who ends together, after those that call them.
const std::vector<std::vector<std::string>> stages{{"gateway"},
                                                   {"notification", "review", "search"},
                                                   {"order"},
                                                   {"cart", "catalog"},
                                                   {"payment", "inventory", "user", "session"}};

std::system_error failure(const std::string& what) { return {errno, std::generic_category(), what}; }

// A listening socket that children inherit; theirs is a copy, and this one stays open until the end.
int listen_on(const std::string& address, std::int64_t port) {
  asio::io_context context;
  const Tcp::endpoint endpoint(asio::ip::make_address(address), static_cast<std::uint16_t>(port));
  try {
    Tcp::acceptor acceptor(context);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(Tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(4096);
    return acceptor.release();
  } catch (const boost::system::system_error& e) {
    throw std::system_error(e.code().value(), std::generic_category(),
                            fmt::format("cannot listen on {} port {}", address, port));
  }
}

std::string url_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) throw failure("getsockname");
  return fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
}

// A place of its own for each process to say that it is ready.
class Notice {
 public:
  Notice() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX};
    // Only the family: the kernel chooses an abstract address that is free.
    if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)) != 0) {
      throw failure("cannot make a socket for the processes' notices");
    }
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    name_ = "@" + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  }
  ~Notice() { ::close(socket_); }
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;

  const std::string& name() const { return name_; }
  int socket() const { return socket_; }
  bool came() const {
    std::array<char, 64> text{};
    return ::recv(socket_, text.data(), text.size(), 0) > 0;
  }

 private:
  int socket_;
  std::string name_;
};

struct Process {
  pid_t pid = 0;
  Deadline started;
  std::unique_ptr<Notice> notice;
  bool ready = false;
};

struct Part {
  std::string name;
  std::vector<std::pair<std::string, int>> listeners;
  std::string url;  // of the internal port
  std::optional<Process> process{};
  std::optional<Process> replacement{};
  std::vector<pid_t> leaving{};  // replaced, draining
  bool was_ready = false;
  int restarts = 0;
  Duration pause{};
  Deadline start_at{};
};

class Supervisor {
 public:
  Supervisor();
  int run();

 private:
  Process spawn(const Part& part);
  void handle(int signal);
  void reap();
  void ended(Part& part, pid_t pid, int status);
  void look_at_notices();
  void start_what_is_due();
  void go_on_replacing();
  void end_all();
  void end_stage(const std::vector<std::string>& names);
  void write_state();
  Part& part(const std::string& name);
  bool all_ready() const;

  int signals_ = -1;
  std::vector<Part> parts_;
  std::vector<std::string> environment_;
  std::vector<std::string> to_replace_;  // the first is being replaced
  bool announced_ = false;
  std::optional<int> exit_code_;
};

Supervisor::Supervisor() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) throw failure("signalfd");

  for (char** variable = environ; *variable != nullptr; ++variable) environment_.emplace_back(*variable);
  for (const auto service : all_services) {
    const int listener = listen_on("127.0.0.1", 0);
    parts_.push_back({.name = std::string(service), .listeners = {{"internal", listener}}, .url = url_of(listener)});
    environment_.push_back(url_setting(service) + "=" + parts_.back().url);
  }
  const int internal = listen_on(settings::bind.get(), settings::internal_port.get());
  parts_.push_back(
      {.name = "gateway",
       .listeners = {{"public", listen_on(settings::bind.get(), settings::port.get())}, {"internal", internal}},
       .url = fmt::format("http://127.0.0.1:{}", settings::internal_port.get())});
}

Part& Supervisor::part(const std::string& name) { return *std::ranges::find(parts_, name, &Part::name); }

bool Supervisor::all_ready() const {
  return std::ranges::all_of(parts_, [](const Part& part) { return part.process && part.process->ready; });
}

Process Supervisor::spawn(const Part& part) {
  Process process{.started = Clock::now(), .notice = std::make_unique<Notice>()};
  // Everything is prepared before the fork: the child only moves descriptors and becomes the program.
  std::vector<std::string> variables = environment_;
  std::string names;
  for (const auto& [name, listener] : part.listeners) names += (names.empty() ? "" : ":") + name;
  variables.push_back("NOTIFY_SOCKET=" + process.notice->name());
  variables.push_back("LISTEN_FDS=" + std::to_string(part.listeners.size()));
  variables.push_back("LISTEN_FDNAMES=" + names);
  std::string pid_variable = "LISTEN_PID=" + std::string(20, '\0');
  std::vector<char*> environment;
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(pid_variable.data());
  environment.push_back(nullptr);
  std::vector<std::string> words{"souk", "serve", "--only", part.name};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const pid_t parent = ::getpid();
  process.pid = ::fork();
  if (process.pid < 0) throw failure("fork");
  if (process.pid != 0) return process;
  // A killed supervisor leaves nobody behind.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  std::vector<int> moved;
  for (const auto& [name, listener] : part.listeners) moved.push_back(::fcntl(listener, F_DUPFD, 100));
  for (std::size_t i = 0; i < moved.size(); ++i) ::dup2(moved[i], 3 + static_cast<int>(i));
  ::close_range(3 + static_cast<unsigned>(moved.size()), ~0U, 0);
  fmt::format_to(pid_variable.data() + std::string_view("LISTEN_PID=").size(), "{}", ::getpid());
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve("/proc/self/exe", arguments.data(), environment.data());
  ::_exit(127);
}

int Supervisor::run() {
  log::info("starting every service and the gateway as a process of its own");
  for (auto& part : parts_) part.process = spawn(part);
  write_state();
  while (!exit_code_) {
    std::vector<pollfd> watched{{.fd = signals_, .events = POLLIN}};
    for (const auto& part : parts_) {
      for (const auto* process : {&part.process, &part.replacement}) {
        if (*process && !(*process)->ready) watched.push_back({.fd = (*process)->notice->socket(), .events = POLLIN});
      }
    }
    ::poll(watched.data(), watched.size(), 100);
    signalfd_siginfo signal{};
    while (::read(signals_, &signal, sizeof signal) == sizeof signal) handle(static_cast<int>(signal.ssi_signo));
    reap();
    look_at_notices();
    start_what_is_due();
    go_on_replacing();
  }
  end_all();
  return *exit_code_;
}

void Supervisor::handle(int signal) {
  if (signal == SIGTERM || signal == SIGINT) {
    log::info("draining", log::kv("signal", signal));
    exit_code_ = exit_code_.value_or(0);
  } else if (signal == SIGHUP && to_replace_.empty()) {
    log::info("replacing every process");
    for (const auto& stage : stages) to_replace_.insert(to_replace_.end(), stage.begin(), stage.end());
    std::ranges::reverse(to_replace_);
  }
}

void Supervisor::reap() {
  int status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    for (auto& part : parts_) ended(part, pid, status);
  }
}

void Supervisor::ended(Part& part, pid_t pid, int status) {
  if (std::erase(part.leaving, pid) != 0) return;
  const auto how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                       : fmt::format("exit code {}", WEXITSTATUS(status));
  if (part.replacement && part.replacement->pid == pid) {
    log::error("a new process ended before it was ready; the old one stays", log::kv("part", part.name),
               log::kv("how", how));
    part.replacement.reset();
    to_replace_.clear();
  } else if (part.process && part.process->pid == pid) {
    log::warning("a process ended and is started again", log::kv("part", part.name), log::kv("how", how));
    const bool well = part.process->ready && Clock::now() - part.process->started > lived_well;
    part.pause = well ? Duration() : std::min<Duration>(part.pause * 2 + 50ms, longest_pause);
    part.start_at = Clock::now() + (well || part.restarts == 0 ? Duration() : part.pause);
    // What cannot even start says why in the log; nothing would become better by repeating it.
    if (!part.was_ready && !announced_ && !WIFSIGNALED(status)) exit_code_ = 1;
    part.process.reset();
    write_state();
  }
}

void Supervisor::look_at_notices() {
  bool changed = false;
  for (auto& part : parts_) {
    for (auto* process : {&part.process, &part.replacement}) {
      if (!*process || (*process)->ready || !(*process)->notice->came()) continue;
      (*process)->ready = true;
      part.was_ready = true;
      changed = true;
    }
  }
  if (changed) write_state();
  if (changed && !announced_ && all_ready()) {
    announced_ = true;
    log::info("every process is ready");
  }
}

void Supervisor::start_what_is_due() {
  for (auto& part : parts_) {
    if (part.process || exit_code_ || Clock::now() < part.start_at) continue;
    ++part.restarts;
    part.process = spawn(part);
    write_state();
  }
}

// One process at a time: the new one takes over as soon as it is ready, and then the old one drains.
void Supervisor::go_on_replacing() {
  if (to_replace_.empty()) return;
  auto& part = this->part(to_replace_.front());
  if (!part.leaving.empty()) return;
  if (!part.replacement) {
    part.replacement = spawn(part);
  } else if (part.replacement->ready) {
    if (part.process) {
      ::kill(part.process->pid, SIGTERM);
      part.leaving.push_back(part.process->pid);
    }
    part.process = std::move(part.replacement);
    part.replacement.reset();
    to_replace_.erase(to_replace_.begin());
    write_state();
    if (to_replace_.empty()) log::info("every process was replaced");
  } else if (Clock::now() - part.replacement->started > time_to_be_ready) {
    log::error("a new process is not ready and is ended; the old one stays", log::kv("part", part.name));
    ::kill(part.replacement->pid, SIGKILL);
  }
}

void Supervisor::end_all() {
  for (const auto& stage : stages) end_stage(stage);
  std::error_code ignored;
  std::filesystem::remove(settings::home.get() + "/run/processes", ignored);
}

void Supervisor::end_stage(const std::vector<std::string>& names) {
  std::vector<pid_t> running;
  for (const auto& name : names) {
    auto& part = this->part(name);
    for (const auto* process : {&part.process, &part.replacement}) {
      if (*process) running.push_back((*process)->pid);
    }
    running.insert(running.end(), part.leaving.begin(), part.leaving.end());
  }
  for (const auto pid : running) ::kill(pid, SIGTERM);
  const auto deadline = Clock::now() + settings::drain_limit.get() + time_to_end;
  while (!running.empty()) {
    std::erase_if(running, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
    if (Clock::now() > deadline) {
      for (const auto pid : running) ::kill(pid, SIGKILL);
    }
    ::usleep(2000);
  }
  // Whoever still calls it learns at once that nobody will answer.
  for (const auto& name : names) {
    for (const auto& [socket, listener] : part(name).listeners) ::close(listener);
  }
}

// Written whole or not at all. Who reads it (./souk status, tests) sees where each process is.
void Supervisor::write_state() {
  const std::filesystem::path folder = settings::home.get() + "/run";
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  {
    std::ofstream file(folder / "processes.new");
    for (const auto& part : parts_) {
      const auto state = !part.process ? "stopped" : part.process->ready ? "running" : "starting";
      file << fmt::format("{} {} {} {} {}\n", part.name, part.process ? part.process->pid : 0, part.url, state,
                          part.restarts);
    }
  }
  std::filesystem::rename(folder / "processes.new", folder / "processes", ignored);
}

}  // namespace

int supervise() {
  if (settings::internal_key.get().empty()) {
    log::error("SOUK_INTERNAL_KEY is not set: the processes could not call each other");
    return 1;
  }
  Supervisor supervisor;
  return supervisor.run();
}

}  // namespace souk
