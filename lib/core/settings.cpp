#include "core/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace souk {
namespace {

std::map<std::string_view, SettingBase*>& registry() {
  static std::map<std::string_view, SettingBase*> settings;
  return settings;
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> to_duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    std::int64_t milliseconds;
  };
  static constexpr Unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number = to_number(text.substr(0, text.size() - unit.suffix.size()));
    if (number && *number >= 0 && *number <= 10'000'000'000) {
      return std::chrono::milliseconds(*number * unit.milliseconds);
    }
  }
  return std::nullopt;
}

std::string duration_text(std::chrono::milliseconds value) {
  const auto count = value.count();
  if (count != 0 && count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
  if (count != 0 && count % 60'000 == 0) return fmt::format("{}m", count / 60'000);
  if (count % 1000 == 0) return fmt::format("{}s", count / 1000);
  return fmt::format("{}ms", count);
}

}  // namespace

SettingBase::SettingBase(std::string_view name, std::string_view description) : name_(name), description_(description) {
  registry()[name] = this;
}

std::optional<std::string> Setting<std::string>::parse(std::string_view text) {
  value_ = text;
  return std::nullopt;
}

std::string Setting<std::int64_t>::default_text() const { return std::to_string(default_); }
std::string Setting<std::int64_t>::bounds_text() const { return fmt::format("{} to {}", min_, max_); }

std::optional<std::string> Setting<std::int64_t>::parse(std::string_view text) {
  const auto number = to_number(text);
  if (!number || *number < min_ || *number > max_) {
    return fmt::format("{} must be a whole number from {} to {}, not '{}'", name(), min_, max_, text);
  }
  value_ = *number;
  return std::nullopt;
}

std::optional<std::string> Setting<bool>::parse(std::string_view text) {
  if (text != "true" && text != "false") return fmt::format("{} must be true or false, not '{}'", name(), text);
  value_ = text == "true";
  return std::nullopt;
}

std::string Setting<std::chrono::milliseconds>::default_text() const { return duration_text(default_); }
std::string Setting<std::chrono::milliseconds>::bounds_text() const {
  return fmt::format("{} to {}", duration_text(min_), duration_text(max_));
}

std::optional<std::string> Setting<std::chrono::milliseconds>::parse(std::string_view text) {
  const auto duration = to_duration(text);
  if (!duration || *duration < min_ || *duration > max_) {
    return fmt::format("{} must be a duration from {} to {} such as 250ms, 15s or 30m, not '{}'", name(),
                       duration_text(min_), duration_text(max_), text);
  }
  value_ = *duration;
  return std::nullopt;
}

std::vector<const SettingBase*> all_settings() {
  std::vector<const SettingBase*> settings;
  for (const auto& [name, setting] : registry()) settings.push_back(setting);
  return settings;
}

std::vector<std::string> load_settings(const char* const* environment,
                                       const std::vector<std::string_view>& other_variables) {
  std::vector<std::string> problems;
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable(*environment);
    const auto equals = variable.find('=');
    const auto name = variable.substr(0, equals);
    if (!name.starts_with("SOUK_") || equals == std::string_view::npos) continue;
    const auto found = registry().find(name);
    if (found != registry().end()) {
      if (auto problem = found->second->parse(variable.substr(equals + 1))) problems.push_back(*std::move(problem));
    } else if (std::ranges::find(other_variables, name) == other_variables.end()) {
      problems.push_back(fmt::format("{} is not a setting; `souk settings` lists them", name));
    }
  }
  return problems;
}

}  // namespace souk
