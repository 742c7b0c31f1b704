#pragma once

#include <atomic>
#include <list>
#include <string>
#include <thread>

namespace souk::testing {

// A way to a PostgreSQL server that a test can break: a proxy on a Unix socket of its own.
class Gate {
 public:
  explicit Gate(const std::string& postgres_url);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // The same database, through the gate.
  const std::string& url() const { return url_; }

  // Cuts all connections and lets no new one through, until open().
  void shut();
  void open();
  // Cuts the present connections.
  void cut();
  // Passes nothing on, in either direction, but keeps the connections; until open().
  void freeze();
  // Whichever connection sends next: the server gets it, its answer is dropped and the connection cut.
  void lose_next_reply();
  // Whichever connection sends next: it is cut and the server gets nothing.
  void lose_next_request();
  // Connections that reached the gate so far.
  int accepted() const { return accepted_; }

 private:
  enum class Mode { open, shut, frozen };
  struct Link {
    int client;
    int server;
    bool drop_reply = false;
    bool ended = false;
  };

  void work(std::stop_token stop);
  void accept_client();
  void pass_request(Link& link);
  void pass_reply(Link& link);
  void end_links(bool all);
  void set_mode(Mode mode);
  int connect_to_server() const;

  std::string server_host_;
  std::string server_port_;
  std::string folder_;
  std::string url_;
  int listener_ = -1;
  std::list<Link> links_;
  std::atomic<Mode> mode_ = Mode::open;
  std::atomic<bool> cut_ = false;
  std::atomic<bool> lose_reply_ = false;
  std::atomic<bool> lose_request_ = false;
  std::atomic<int> accepted_ = 0;
  std::atomic<unsigned> turns_ = 0;
  std::jthread thread_;
};

}  // namespace souk::testing
