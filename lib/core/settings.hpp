#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk {

// A setting, declared once beside what uses it; the declaration gives its default, bounds and documentation:
//   inline const Setting<std::int64_t> http_port("SOUK_PORT", "Port of the public API.", 8080, 1, 65535);
// It is read from the environment by load_settings() at start and never changes after that.
class SettingBase {
 public:
  SettingBase(std::string_view name, std::string_view description);
  virtual ~SettingBase() = default;
  SettingBase(const SettingBase&) = delete;
  SettingBase& operator=(const SettingBase&) = delete;

  std::string_view name() const { return name_; }
  std::string_view description() const { return description_; }
  virtual std::string default_text() const = 0;
  virtual std::string bounds_text() const = 0;
  // Takes a value; a sentence that says what is wrong otherwise.
  virtual std::optional<std::string> parse(std::string_view text) = 0;

 private:
  std::string_view name_;
  std::string_view description_;
};

// T: std::string, std::int64_t, bool, std::chrono::milliseconds (written "250ms", "15s", "30m", "24h").
template <class T>
class Setting;

template <>
class Setting<std::string> final : public SettingBase {
 public:
  Setting(std::string_view name, std::string_view description, std::string default_value)
      : SettingBase(name, description), default_(default_value), value_(std::move(default_value)) {}
  const std::string& get() const { return value_; }
  std::string default_text() const override { return default_; }
  std::string bounds_text() const override { return "text"; }
  std::optional<std::string> parse(std::string_view text) override;

 private:
  std::string default_;
  std::string value_;
};

template <>
class Setting<std::int64_t> final : public SettingBase {
 public:
  Setting(std::string_view name, std::string_view description, std::int64_t default_value, std::int64_t min,
          std::int64_t max)
      : SettingBase(name, description), default_(default_value), min_(min), max_(max), value_(default_value) {}
  std::int64_t get() const { return value_; }
  std::string default_text() const override;
  std::string bounds_text() const override;
  std::optional<std::string> parse(std::string_view text) override;

 private:
  std::int64_t default_;
  std::int64_t min_;
  std::int64_t max_;
  std::int64_t value_;
};

template <>
class Setting<bool> final : public SettingBase {
 public:
  Setting(std::string_view name, std::string_view description, bool default_value)
      : SettingBase(name, description), default_(default_value), value_(default_value) {}
  bool get() const { return value_; }
  std::string default_text() const override { return default_ ? "true" : "false"; }
  std::string bounds_text() const override { return "true or false"; }
  std::optional<std::string> parse(std::string_view text) override;

 private:
  bool default_;
  bool value_;
};

template <>
class Setting<std::chrono::milliseconds> final : public SettingBase {
 public:
  using Value = std::chrono::milliseconds;
  Setting(std::string_view name, std::string_view description, Value default_value, Value min, Value max)
      : SettingBase(name, description), default_(default_value), min_(min), max_(max), value_(default_value) {}
  Value get() const { return value_; }
  std::string default_text() const override;
  std::string bounds_text() const override;
  std::optional<std::string> parse(std::string_view text) override;

 private:
  Value default_;
  Value min_;
  Value max_;
  Value value_;
};

// Every setting of the program, sorted by name.
std::vector<const SettingBase*> all_settings();

// Reads all settings from the environment. Returns one sentence for each that is wrong, and for each SOUK_ variable
// that no setting has (a misspelt name must not be ignored); `other_variables` are those read elsewhere.
std::vector<std::string> load_settings(const char* const* environment,
                                       const std::vector<std::string_view>& other_variables);

}  // namespace souk
