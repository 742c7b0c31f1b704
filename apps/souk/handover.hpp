#pragma once

#include <map>
#include <string>

// What a supervisor hands to a process, as systemd does it (sd_listen_fds(3), sd_notify(3)): listening sockets that
// stay open while processes come and go, and a place to say that the process is ready.
namespace souk::handover {

// Sockets by name: "public", "internal". Empty where nobody handed any over. Forgets them for processes of our own.
std::map<std::string, int> listeners();
// Tells who started us that requests are answered now. Does nothing where nobody wants to know.
void notify_ready();

}  // namespace souk::handover
