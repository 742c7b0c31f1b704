#pragma once

#include <hiredis/async.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/task.hpp"
#include "redis/client.hpp"

namespace souk::redis {

// Where one connection attempt goes: a numeric address and port, or a Unix socket.
struct Address {
  std::string path{};
  std::string ip{};
  int port = 0;
};

// One connection from its beginning to its end: hiredis on Asio. Belongs to one worker. Commands sent in one turn of
// the event loop leave in one write; replies come in the order of the commands (RESP2).
class Link : public std::enable_shared_from_this<Link> {
 public:
  using Done = std::move_only_function<void(std::exception_ptr, Reply)>;

  explicit Link(Executor executor);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // True when connected within `limit`; otherwise reason() says why not.
  Task<bool> connect(Address address, Duration limit);
  bool open() const { return context_ != nullptr && connected_; }
  const std::string& reason() const { return reason_; }

  // Sends a command; `done` is called once, on this worker, never from within send(). After `deadline` with
  // Unavailable, whether or not a reply comes later.
  void send(const std::vector<std::string>& arguments, Deadline deadline, Done done);
  std::size_t waiting() const { return pending_.size(); }

  // Ends the connection; commands that wait get Unavailable.
  void drop(std::string reason);
  // Waits until the connection has ended.
  Task<> closed();

 private:
  struct Pending {
    Deadline sent;
    Deadline deadline;
    Done done;  // empty once the command has timed out: its reply is then passed over
  };
  struct Ready {
    Done done;
    std::exception_ptr exception;
    Reply reply;
  };

  bool begin(const Address& address);
  void hook();
  void want_read();
  void want_write();
  void wait_writable();
  void read();
  void write();
  void answered(redisReply* reply) noexcept;
  void ended() noexcept;
  void run_ready();
  void arm_sweep();
  void sweep();
  bool anything_overdue(Deadline now) const;

  Executor executor_;
  asio::posix::basic_stream_descriptor<Executor> descriptor_;
  Timer changed_;  // cancelled when the connection begins or ends
  Timer sweep_;
  redisAsyncContext* context_ = nullptr;
  bool connected_ = false;
  bool want_read_ = false;
  bool want_write_ = false;
  bool waits_read_ = false;
  bool waits_write_ = false;
  bool in_write_ = false;
  bool sweeping_ = false;
  std::string reason_;
  Deadline last_read_{};
  std::deque<Pending> pending_;
  std::vector<Ready> ready_;
};

}  // namespace souk::redis
