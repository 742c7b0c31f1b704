#pragma once

namespace souk::metrics {

// From now on /metrics has what the system says of this process, under the names that Prometheus gives them everywhere:
// process_resident_memory_bytes, process_threads, process_open_fds, process_max_fds, process_cpu_seconds_total,
// process_start_time_seconds. Read when asked for, from /proc.
void publish_process();

}  // namespace souk::metrics
