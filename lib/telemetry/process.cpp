#include "telemetry/process.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "telemetry/metrics.hpp"

namespace souk::metrics {
namespace {

constexpr double bytes_a_kibibyte = 1024;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

class Process {
 public:
  Process() {
    using namespace std::chrono;
    gauge("process_start_time_seconds", "When the process started, since 1970.")
        .set(duration<double>(system_clock::now().time_since_epoch()).count());
  }

 private:
  void publish() {
    read_status();
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (!error) open_files_.set(static_cast<double>(std::distance(begin(files), end(files))));
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) most_files_.set(static_cast<double>(limit.rlim_cur));
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return;
    const auto used = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    if (used > counted_) cpu_.add(used - counted_);
    counted_ = std::max(counted_, used);
  }

  // "VmRSS:     12345 kB"
  void read_status() {
    std::ifstream status("/proc/self/status");
    std::string name;
    double value = 0;
    while (status >> name) {
      if (name == "VmRSS:" && status >> value) memory_.set(value * bytes_a_kibibyte);
      if (name == "Threads:" && status >> value) threads_.set(value);
      status.ignore(4096, '\n');
    }
  }

  Gauge& memory_ = gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.");
  Gauge& threads_ = gauge("process_threads", "Threads of the process.");
  Gauge& open_files_ = gauge("process_open_fds", "Open files and connections.");
  Gauge& most_files_ = gauge("process_max_fds", "How many files may be open.");
  Counter& cpu_ = counter("process_cpu_seconds_total", "Processor time that was used.");
  double counted_ = 0;
  OnCollect on_collect_{[this] { publish(); }};
};

}  // namespace

void publish_process() {
  static auto* process = new Process();  // never destroyed: /metrics may be asked for until the end
  (void)process;
}

}  // namespace souk::metrics
