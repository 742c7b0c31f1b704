#include "service.hpp"

#include <algorithm>

#include "errors.hpp"
#include "events/consumer.hpp"
#include "rules.hpp"
#include "telemetry/cache_metrics.hpp"
#include "telemetry/log.hpp"

namespace souk::session {
namespace {

constexpr Duration cached_for = std::chrono::seconds(1);
constexpr std::size_t most_cached = 8192;

metrics::CacheLookups& lookups() {
  static metrics::CacheLookups instance("session.sessions");
  return instance;
}
constexpr Duration wait_for_revocations = std::chrono::milliseconds(500);

Task<std::string> from_the_beginning(Context) { co_return std::string(); }

}  // namespace

Service::Service(Runtime& runtime, redis::Client& redis) : repository_(redis), caches_(runtime.size()) {}

void Service::follow(TaskGroup& group, user::Api& users) {
  follow(group, [&users](Context context, events::ReadEvents request) {
    return users.events(std::move(context), std::move(request));
  });
}

void Service::follow(TaskGroup& group, Feed user_events) {
  user_events_ = std::move(user_events);
  knows_revocations_ = false;
  // The set lives in memory, so the feed is read anew at each start; it reaches back further than a session lives.
  events::run_consumer(
      group,
      {.name = "session.revocations",
       .source = [this](Context context,
                        events::ReadEvents request) { return read_feed(std::move(context), std::move(request)); },
       .handle = [this](Context context, const events::EventPage& page) { return apply(std::move(context), page); },
       .load_cursor = from_the_beginning});
}

Task<Result<events::EventPage>> Service::read_feed(Context context, events::ReadEvents request) {
  // An end that is waited for would look like a feed that goes on.
  if (!knows_revocations_) request.wait_ms = 0;
  auto page = co_await user_events_(std::move(context), std::move(request));
  if (page && page->events.empty() && !page->reset) knows_revocations_ = true;
  co_return page;
}

Task<> Service::apply(Context, const events::EventPage& page) {
  for (const auto& event : page.events) {
    if (event.type != "session.revoked") continue;
    auto revoked = json::read_trusted<user::SessionRevoked>(event.payload.text);
    if (revoked.session_id) {
      revocations_.add_session(*revoked.session_id, revoked.revoked_at, now());
    } else {
      revocations_.add_user(revoked.user_id, std::move(revoked.except_session_id), revoked.revoked_at, now());
    }
  }
  co_return;
}

Task<bool> Service::revocations_known(Context context) {
  const auto until = context.limited(wait_for_revocations).deadline();
  while (!knows_revocations_ && Clock::now() < until) {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(20));
    co_await timer.async_wait(use_task);
  }
  co_return knows_revocations_.load();
}

Task<Result<NewSession>> Service::create_session(Context context, CreateSession request) {
  auto token = rules::new_token();
  const auto time = now();
  Session session{.id = rules::session_id_of(token),
                  .user_id = request.user_id,
                  .email = std::move(request.email),
                  .role = request.role,
                  .ip_address = std::move(request.ip_address),
                  .user_agent = rules::clean_user_agent(request.user_agent),
                  .created_at = time,
                  .last_accessed_at = time};
  NewSession made{.token = std::move(token), .session_id = session.id, .expires_at = time + rules::time_to_live};
  co_await repository_.insert(std::move(context), std::move(session));
  co_return made;
}

Task<Result<Session>> Service::authenticate(Context context, Authenticate request) {
  if (!rules::well_formed(request.token)) co_return errors::invalid_token();
  if (!knows_revocations_ && !co_await revocations_known(context)) co_return errors::not_ready();
  auto session = co_await find(context, rules::session_id_of(request.token));
  if (!session || revocations_.revoked(*session)) co_return errors::invalid_token();
  co_return *std::move(session);
}

Task<std::optional<Session>> Service::find(Context context, std::string session_id) {
  auto& cache = caches_[this_worker()];
  if (const auto seen = cache.find(session_id); seen != cache.end() && seen->second.until > Clock::now()) {
    lookups().count(true);
    co_return seen->second.session;
  }
  lookups().count(false);
  auto session = co_await repository_.find(context, std::move(session_id));
  if (!session) co_return std::nullopt;
  const auto time = now();
  if (rules::must_restart(*session, time) && !revocations_.revoked(*session)) {
    session->last_accessed_at = time;
    co_await restart(std::move(context), *session, time);
  }
  remember(cache, *session);
  co_return session;
}

// That it was read is what counts: a session is not refused because its time could not be restarted.
Task<> Service::restart(Context context, Session session, Timestamp time) {
  try {
    co_await repository_.touch(context, std::move(session), time);
  } catch (const redis::Unavailable& e) {
    log::warning(context, "session was not restarted", log::kv("reason", std::string_view(e.what())));
  }
}

void Service::remember(Cache& cache, const Session& session) {
  const auto time = Clock::now();
  if (cache.size() >= most_cached) {
    std::erase_if(cache, [time](const auto& one) { return one.second.until <= time; });
    if (cache.size() >= most_cached) cache.clear();
  }
  cache.insert_or_assign(session.id, Seen{session, time + cached_for});
}

Task<Result<Sessions>> Service::list_sessions(Context context, ListSessions request) {
  auto all = co_await repository_.list(std::move(context), request.user_id);
  std::erase_if(all, [this](const Session& session) { return revocations_.revoked(session); });
  std::ranges::sort(all, std::ranges::greater(),
                    [](const Session& session) { return std::pair(session.last_accessed_at, session.created_at); });
  co_return Sessions{.data = std::move(all)};
}

Task<Result<Done>> Service::revoke_session(Context context, RevokeSession request) {
  if (!rules::well_formed(request.session_id)) co_return errors::not_found();
  const bool was_theirs = co_await repository_.remove(std::move(context), request.user_id, request.session_id);
  if (!was_theirs) co_return errors::not_found();
  const auto time = now();
  revocations_.add_session(request.session_id, time, time);
  co_return Done{};
}

Task<Result<Done>> Service::revoke_all(Context context, RevokeAll request) {
  // First in this process: that holds even when Redis is gone.
  const auto time = now();
  revocations_.add_user(request.user_id, request.except_session_id, time, time);
  co_await repository_.remove_all(std::move(context), request.user_id, std::move(request.except_session_id));
  co_return Done{};
}

}  // namespace souk::session
