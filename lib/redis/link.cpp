#include "redis/link.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace souk::redis {
namespace {

// One sweep for all commands instead of a timer each.
constexpr Duration sweep_every = std::chrono::milliseconds(20);
// A peer that owes an answer and sends nothing for so long is dead.
constexpr Duration dead_after = std::chrono::seconds(1);

// Redis is there but cannot serve: for the caller the same as a Redis that is gone.
bool means_unavailable(std::string_view error) {
  static constexpr std::array<std::string_view, 8> prefixes = {
      "LOADING ", "BUSY ", "MISCONF ", "OOM ", "READONLY ", "MASTERDOWN ", "NOREPLICAS ", "CLUSTERDOWN "};
  return std::ranges::any_of(prefixes, [error](std::string_view prefix) { return error.starts_with(prefix); });
}

[[noreturn]] void throw_error(std::string text) {
  if (means_unavailable(text)) throw Unavailable(text);
  throw Error(text);
}

Reply copy(const redisReply& from) {
  Reply to;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      to.type = Reply::Type::text;
      to.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      to.type = Reply::Type::integer;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      to.type = Reply::Type::array;
      to.elements.reserve(from.elements);
      for (std::size_t i = 0; i < from.elements; ++i) to.elements.push_back(copy(*from.element[i]));
      break;
    case REDIS_REPLY_ERROR: throw_error(std::string(from.str, from.len));
    default: break;
  }
  return to;
}

Link& link_of(void* pointer) { return *static_cast<Link*>(pointer); }

}  // namespace

Link::Link(Executor executor) : executor_(executor), descriptor_(executor), changed_(executor), sweep_(executor) {}

Link::~Link() {
  if (context_ != nullptr) redisAsyncFree(context_);
}

bool Link::begin(const Address& address) {
  context_ = address.path.empty() ? redisAsyncConnect(address.ip.c_str(), address.port)
                                  : redisAsyncConnectUnix(address.path.c_str());
  if (context_ == nullptr) throw std::bad_alloc();
  if (context_->err != 0) {
    reason_ = context_->errstr;
    redisAsyncFree(std::exchange(context_, nullptr));
    return false;
  }
  descriptor_.assign(context_->c.fd);
  hook();
  return true;
}

void Link::hook() {
  context_->data = this;
  context_->ev.data = this;
  context_->ev.addRead = [](void* self) { link_of(self).want_read(); };
  context_->ev.delRead = [](void* self) { link_of(self).want_read_ = false; };
  context_->ev.addWrite = [](void* self) { link_of(self).want_write(); };
  context_->ev.delWrite = [](void* self) { link_of(self).want_write_ = false; };
  context_->ev.cleanup = [](void* self) { link_of(self).ended(); };
  redisAsyncSetConnectCallback(context_, [](const redisAsyncContext* context, int status) {
    auto& self = link_of(context->data);
    self.connected_ = status == REDIS_OK;
    self.changed_.cancel();
  });
}

Task<bool> Link::connect(Address address, Duration limit) {
  if (!begin(address)) co_return false;
  changed_.expires_after(limit);
  boost::system::error_code ignored;
  co_await changed_.async_wait(asio::redirect_error(use_task, ignored));
  if (!open()) drop("no connection in time");
  co_return open();
}

void Link::send(const std::vector<std::string>& arguments, Deadline deadline, Done done) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  texts.reserve(arguments.size());
  lengths.reserve(arguments.size());
  for (const auto& argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  const auto on_reply = [](redisAsyncContext* context, void* reply, void*) {
    link_of(context->data).answered(static_cast<redisReply*>(reply));
  };
  if (!open() || redisAsyncCommandArgv(context_, on_reply, nullptr, static_cast<int>(texts.size()), texts.data(),
                                       lengths.data()) != REDIS_OK) {
    asio::post(executor_, [done = std::move(done), reason = reason_]() mutable {
      done(std::make_exception_ptr(Unavailable("Redis: " + reason)), {});
    });
    return;
  }
  pending_.push_back({Clock::now(), deadline, std::move(done)});
  arm_sweep();
}

void Link::want_read() {
  want_read_ = true;
  if (waits_read_) return;
  waits_read_ = true;
  descriptor_.async_wait(descriptor_.wait_read, [self = shared_from_this()](boost::system::error_code error) {
    self->waits_read_ = false;
    if (!error && self->context_ != nullptr && self->want_read_) self->read();
  });
}

void Link::want_write() {
  want_write_ = true;
  if (waits_write_ || in_write_) return;
  // A connection that is being made is known by the descriptor; otherwise the rest of this turn's commands come along.
  if (!connected_) return wait_writable();
  waits_write_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->waits_write_ = false;
    if (self->context_ != nullptr && self->want_write_) self->write();
  });
}

void Link::wait_writable() {
  waits_write_ = true;
  descriptor_.async_wait(descriptor_.wait_write, [self = shared_from_this()](boost::system::error_code error) {
    self->waits_write_ = false;
    if (!error && self->context_ != nullptr && self->want_write_) self->write();
  });
}

void Link::read() {
  redisAsyncHandleRead(context_);
  last_read_ = Clock::now();
  run_ready();
}

void Link::write() {
  in_write_ = true;
  redisAsyncHandleWrite(context_);
  in_write_ = false;
  if (context_ != nullptr && want_write_ && !waits_write_) wait_writable();
  run_ready();
}

// hiredis calls this for each command in the order of sending; without a reply when the connection ends.
void Link::answered(redisReply* reply) noexcept {
  auto pending = std::move(pending_.front());
  pending_.pop_front();
  if (!pending.done) return;
  Ready ready{std::move(pending.done), nullptr, {}};
  try {
    if (reply == nullptr) {
      if (reason_.empty() && context_->err != 0) reason_ = context_->errstr;
      throw Unavailable("Redis: connection lost: " + reason_);
    }
    ready.reply = copy(*reply);
  } catch (...) {
    ready.exception = std::current_exception();
  }
  ready_.push_back(std::move(ready));
}

// hiredis is about to close the socket and free its context, for whatever reason.
void Link::ended() noexcept {
  if (reason_.empty()) reason_ = context_->err != 0 ? context_->errstr : "closed";
  descriptor_.release();
  context_ = nullptr;
  connected_ = false;
  changed_.cancel();
}

// Coroutines go on only here, when hiredis has returned: they may send again or drop this connection.
void Link::run_ready() {
  auto ready = std::exchange(ready_, {});
  for (auto& one : ready) one.done(one.exception, std::move(one.reply));
}

void Link::drop(std::string reason) {
  if (context_ == nullptr) return;
  reason_ = std::move(reason);
  redisAsyncFree(context_);
  run_ready();
}

Task<> Link::closed() {
  while (context_ != nullptr) {
    changed_.expires_at(Deadline::max());
    boost::system::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(use_task, ignored));
  }
}

void Link::arm_sweep() {
  if (sweeping_) return;
  sweeping_ = true;
  sweep_.expires_after(sweep_every);
  sweep_.async_wait([self = shared_from_this()](boost::system::error_code) {
    self->sweeping_ = false;
    self->sweep();
  });
}

bool Link::anything_overdue(Deadline now) const {
  return std::ranges::any_of(pending_, [now](const Pending& one) { return one.done && one.deadline <= now; }) ||
         (!pending_.empty() && now - std::max(last_read_, pending_.front().sent) > dead_after);
}

void Link::sweep() {
  if (context_ == nullptr || pending_.empty()) return;
  const auto now = Clock::now();
  // When this worker itself was late, the answers lie in the socket: Redis is not to blame.
  if (anything_overdue(now)) {
    const auto before = pending_.size();
    redisAsyncHandleRead(context_);
    if (pending_.size() != before) last_read_ = now;
  }
  for (auto& one : pending_) {
    if (!one.done || one.deadline > now) continue;
    ready_.push_back(
        {std::exchange(one.done, nullptr), std::make_exception_ptr(Unavailable("Redis: no answer in time")), {}});
  }
  const bool dead = !pending_.empty() && now - std::max(last_read_, pending_.front().sent) > dead_after;
  if (context_ != nullptr && dead) return drop("no answer in time");
  if (context_ != nullptr && !pending_.empty()) arm_sweep();
  run_ready();
}

}  // namespace souk::redis
