#include "core/failpoint.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

namespace souk {
namespace {

enum class Action { kill, error, delay, pause };

struct Armed {
  Action action{};
  int delay_ms = 0;
  int only_time = 0;  // 0: each time
  int reached = 0;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> armed;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

int parse_int(std::string_view text, std::string_view specification) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    throw std::invalid_argument(fmt::format("failpoint {}: '{}' is not a number", specification, text));
  }
  return value;
}

Armed parse_action(std::string_view text, std::string_view specification) {
  Armed armed;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    armed.only_time = parse_int(text.substr(at + 1), specification);
    text = text.substr(0, at);
  }
  if (text == "kill") {
    armed.action = Action::kill;
  } else if (text == "error") {
    armed.action = Action::error;
  } else if (text == "pause") {
    armed.action = Action::pause;
  } else if (text.starts_with("delay(") && text.ends_with(")")) {
    armed.action = Action::delay;
    armed.delay_ms = parse_int(text.substr(6, text.size() - 7), specification);
  } else {
    throw std::invalid_argument(fmt::format(
        "failpoint {}: action must be kill, error, pause or delay(MS), each with @N or without", specification));
  }
  return armed;
}

std::optional<Armed> take(std::string_view name) {
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.armed.find(name);
  if (found == all.armed.end()) return std::nullopt;
  ++found->second.reached;
  if (found->second.only_time != 0 && found->second.reached != found->second.only_time) return std::nullopt;
  return found->second;
}

Task<> wait(Duration duration) {
  Timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(use_task);
}

Task<> wait_for_release() {
  const char* home = std::getenv("SOUK_HOME");
  const auto file = std::filesystem::path(home == nullptr ? "." : home) / "failpoint-release";
  while (!std::filesystem::exists(file)) co_await wait(std::chrono::milliseconds(10));
}

}  // namespace

void arm_failpoints(std::string_view specification) {
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  while (!specification.empty()) {
    const auto comma = specification.find(',');
    const auto one = specification.substr(0, comma);
    specification = comma == std::string_view::npos ? std::string_view{} : specification.substr(comma + 1);
    const auto colon = one.find(':');
    if (colon == std::string_view::npos) {
      throw std::invalid_argument(fmt::format("failpoint '{}': write name:action", one));
    }
    all.armed[std::string(one.substr(0, colon))] = parse_action(one.substr(colon + 1), one);
    detail::any_failpoint_armed = true;
  }
}

Task<> reach_failpoint(std::string_view name) {
  const auto armed = take(name);
  if (!armed) co_return;
  // Written with one system call, so that a test sees it even when the next one is SIGKILL.
  const auto line = fmt::format("{{\"msg\":\"failpoint reached\",\"failpoint\":\"{}\"}}\n", name);
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  switch (armed->action) {
    case Action::kill: ::kill(::getpid(), SIGKILL); break;
    case Action::error: throw FailpointError(fmt::format("failpoint {}", name));
    case Action::delay: co_await wait(std::chrono::milliseconds(armed->delay_ms)); break;
    case Action::pause: co_await wait_for_release(); break;
  }
}

}  // namespace souk
