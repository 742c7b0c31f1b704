#pragma once

namespace souk {

// `souk serve --split`: each service and the gateway as a process of its own, until SIGTERM or SIGINT. This process
// opens the listening sockets and hands them over, so that a connection to a process that is being restarted waits for
// the next one and is not refused. A process that dies is started again, at once and then with growing pauses. SIGHUP
// replaces the processes one after the other, the new one ready before the old one drains. The end comes in order:
// first the gateway, then each service after those that call it.
//
// SOUK_HOME/run/processes has a line for each process: name, id, URL of its internal port, state, restarts.
// Returns the exit code. Call before any thread is started.
int supervise();

}  // namespace souk
