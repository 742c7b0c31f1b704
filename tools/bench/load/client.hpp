#pragma once

#include <string>
#include <vector>

#include "histogram.hpp"

namespace souk::load {

// What came of what a client was asked to go on with.
enum class Progress {
  waiting,   // for the server
  done,      // the operation is over, and counts
  prepared,  // something that had to be there first is there; no operation
  failed,    // the operation is over, and the client is ready for another; failure() says why
};

// One customer: does one operation at a time, in one or several requests, over connections that do not block.
class Client {
 public:
  virtual ~Client() = default;

  // Connects; blocking. Throws std::runtime_error when nobody is there.
  virtual void connect() = 0;
  // The connections to be watched.
  virtual std::vector<int> descriptors() const = 0;
  // Sends the first request of the next operation.
  virtual Progress begin() = 0;
  // Something arrived.
  virtual Progress go_on() = 0;
  virtual std::string failure() const = 0;
  // Microseconds of the last operation's last request.
  virtual std::uint64_t last_request_us() const { return 0; }
};

}  // namespace souk::load
