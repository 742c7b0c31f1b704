#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/failure.hpp"
#include "core/runtime.hpp"
#include "core/task.hpp"

namespace souk::redis {

// Redis cannot be reached, or did not answer in time. Whether a write happened is unknown.
struct Unavailable : souk::Unavailable {
  using souk::Unavailable::Unavailable;
};
// Redis refused a command ("WRONGTYPE …").
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Reply {
  enum class Type { nil, integer, text, array };
  Type type = Type::nil;
  std::int64_t integer = 0;
  std::string text;  // strings and status replies
  std::vector<Reply> elements;

  bool is_nil() const { return type == Type::nil; }
  std::optional<std::string> optional_text() const;
};

// A Lua script, sent once by EVALSHA and by its text when Redis does not know it.
class Script {
 public:
  explicit Script(std::string text);
  const std::string& text() const { return text_; }
  const std::string& sha1() const { return sha1_; }

 private:
  std::string text_;
  std::string sha1_;
};

// Commands of all coroutines of a worker share its connection. Reconnects by itself with backoff; while it is gone,
// commands throw Unavailable at once.
class Client {
 public:
  // url: redis://[:password@]host:port[/db] or unix:///path[?db=N]. Throws std::invalid_argument on another.
  Client(Runtime& runtime, std::string url);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Limited by the context's deadline and 1 s.
  Task<Reply> command(Context context, std::vector<std::string> arguments);
  Task<Reply> eval(Context context, const Script& script, std::vector<std::string> keys,
                   std::vector<std::string> arguments);
  Task<> ping(Context context);
  Task<> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::redis
