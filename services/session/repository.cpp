#include "repository.hpp"

#include <charconv>

#include "rules.hpp"

namespace souk::session {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

const redis::Script insert_script(R"(
local session, sessions = KEYS[1], KEYS[2]
local id, now, ttl, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HSET', session, unpack(ARGV, 5))
redis.call('EXPIRE', session, ttl)
redis.call('ZREMRANGEBYSCORE', sessions, '-inf', now)
redis.call('ZADD', sessions, now + ttl, id)
local extra = redis.call('ZCARD', sessions) - most
if extra > 0 then
  for _, old in ipairs(redis.call('ZRANGE', sessions, 0, extra - 1)) do redis.call('DEL', 'session:' .. old) end
  redis.call('ZREMRANGEBYRANK', sessions, 0, extra - 1)
end
redis.call('EXPIRE', sessions, ttl)
return 1)");

const redis::Script touch_script(R"(
local session, sessions = KEYS[1], KEYS[2]
local id, now, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('EXISTS', session) == 0 then return 0 end
redis.call('HSET', session, 'last_accessed_at', ARGV[2])
redis.call('EXPIRE', session, ttl)
redis.call('ZADD', sessions, now + ttl, id)
redis.call('EXPIRE', sessions, ttl)
return 1)");

const redis::Script list_script(R"(
local all = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local fields = redis.call('HMGET', 'session:' .. id, unpack(ARGV))
  if fields[1] then all[#all + 1] = {id, fields} else redis.call('ZREM', KEYS[1], id) end
end
return all)");

const redis::Script remove_script(R"(
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1)");

const redis::Script remove_all_script(R"(
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[1] then
    redis.call('DEL', 'session:' .. id)
    redis.call('ZREM', KEYS[1], id)
  end
end
return 1)");

// In the order in which decode() reads them.
const std::vector<std::string> fields = {"user_id",    "email",         "role",       "ip_address",
                                         "user_agent", "created_at_us", "created_at", "last_accessed_at"};

std::string session_key(const std::string& session_id) { return "session:" + session_id; }
std::string user_key(Uuid user_id) { return "user_sessions:" + user_id.to_string(); }

std::string seconds_of(Timestamp time) {
  return std::to_string(duration_cast<seconds>(time.time_since_epoch()).count());
}
std::string ttl_text() { return std::to_string(seconds(rules::time_to_live).count()); }

std::optional<std::int64_t> number(const redis::Reply& reply) {
  std::int64_t value = 0;
  const auto& text = reply.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (reply.is_nil() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Nothing when the key is gone, or does not hold what we write.
std::optional<Session> decode(std::string session_id, const std::vector<redis::Reply>& values) {
  if (values.size() != fields.size() || values[0].is_nil()) return std::nullopt;
  const auto user_id = Uuid::parse(values[0].text);
  const auto role = json::enum_from<Role>(values[2].text);
  const auto created_us = number(values[5]);
  const auto created = number(values[6]);
  const auto accessed = number(values[7]);
  if (!user_id || !role || !created || !accessed) return std::nullopt;
  return Session{
      .id = std::move(session_id),
      .user_id = *user_id,
      .email = values[1].text,
      .role = *role,
      .ip_address = values[3].text,
      .user_agent = values[4].text,
      .created_at = created_us ? Timestamp(std::chrono::microseconds(*created_us)) : Timestamp(seconds(*created)),
      .last_accessed_at = Timestamp(seconds(*accessed))};
}

}  // namespace

Task<> Repository::insert(Context context, Session session) {
  std::vector<std::string> keys = {session_key(session.id), user_key(session.user_id)};
  std::vector<std::string> arguments = {session.id,
                                        seconds_of(session.created_at),
                                        ttl_text(),
                                        std::to_string(rules::max_sessions_of_a_user),
                                        "user_id",
                                        session.user_id.to_string(),
                                        "email",
                                        session.email,
                                        "role",
                                        std::string(json::enum_name(session.role)),
                                        "ip_address",
                                        session.ip_address,
                                        "user_agent",
                                        session.user_agent,
                                        "created_at",
                                        seconds_of(session.created_at),
                                        "last_accessed_at",
                                        seconds_of(session.last_accessed_at),
                                        "created_at_us",
                                        std::to_string(session.created_at.time_since_epoch().count())};
  co_await redis_.eval(context, insert_script, std::move(keys), std::move(arguments));
}

Task<std::optional<Session>> Repository::find(Context context, std::string session_id) {
  std::vector<std::string> command = {"HMGET", session_key(session_id)};
  command.insert(command.end(), fields.begin(), fields.end());
  const auto reply = co_await redis_.command(context, std::move(command));
  co_return decode(std::move(session_id), reply.elements);
}

Task<> Repository::touch(Context context, Session session, Timestamp now) {
  std::vector<std::string> keys = {session_key(session.id), user_key(session.user_id)};
  std::vector<std::string> arguments = {session.id, seconds_of(now), ttl_text()};
  co_await redis_.eval(context, touch_script, std::move(keys), std::move(arguments));
}

Task<std::vector<Session>> Repository::list(Context context, Uuid user_id) {
  std::vector<std::string> keys = {user_key(user_id)};
  const auto reply = co_await redis_.eval(context, list_script, std::move(keys), fields);
  std::vector<Session> sessions;
  for (const auto& one : reply.elements) {
    auto session = decode(one.elements.at(0).text, one.elements.at(1).elements);
    if (session) sessions.push_back(*std::move(session));
  }
  co_return sessions;
}

Task<bool> Repository::remove(Context context, Uuid user_id, std::string session_id) {
  std::vector<std::string> keys = {session_key(session_id), user_key(user_id)};
  std::vector<std::string> arguments = {session_id, user_id.to_string()};
  const auto reply = co_await redis_.eval(context, remove_script, std::move(keys), std::move(arguments));
  co_return reply.integer == 1;
}

Task<> Repository::remove_all(Context context, Uuid user_id, std::optional<std::string> except_session_id) {
  std::vector<std::string> keys = {user_key(user_id)};
  std::vector<std::string> arguments = {except_session_id.value_or("")};
  co_await redis_.eval(context, remove_all_script, std::move(keys), std::move(arguments));
}

}  // namespace souk::session
