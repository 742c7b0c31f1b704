#pragma once

#include <string>

#include "core/settings.hpp"

// The settings of the process itself. Those of a service stand beside what uses them.
namespace souk::settings {

inline Setting<std::string> home("SOUK_HOME", "Folder of everything that Souk keeps on this machine.", "./var");
inline Setting<std::string> bind("SOUK_BIND", "Address that the public and internal ports listen on.", "127.0.0.1");
inline Setting<std::int64_t> port("SOUK_PORT", "Port of the public API.", 8080, 1, 65535);
inline Setting<std::int64_t> internal_port("SOUK_INTERNAL_PORT", "Port of health, metrics and calls between services.",
                                           9090, 1, 65535);
inline Setting<std::string> public_url(
    "SOUK_PUBLIC_URL",
    "Where customers find the shop, such as https://shop.example.com: payment gateways send them back there. Empty: "
    "nobody is sent back, and cards that want their owner's word are declined by real gateways.",
    "");
inline Setting<std::int64_t> workers("SOUK_WORKERS", "Worker threads; 0 is one a processor core, at most 8.", 0, 0, 64);
inline Setting<std::string> postgres_url(
    "SOUK_POSTGRES_URL",
    "PostgreSQL server, as a URL of libpq. `souk migrate` needs a role there that may create roles and databases.",
    "postgresql://postgres@127.0.0.1:5432/postgres");
inline Setting<std::string> redis_url("SOUK_REDIS_URL", "Redis server: redis://host:port or unix:///path/to/socket.",
                                      "redis://127.0.0.1:6379");
inline Setting<std::string> secret_file(
    "SOUK_SECRET_FILE",
    "File with the platform's secret, 64 hexadecimal digits; passwords of the database roles and the keys of guests' "
    "order tokens are derived from it. Empty: the file `secret` in SOUK_HOME.",
    "");
inline Setting<std::string> internal_key("SOUK_INTERNAL_KEY",
                                         "Key that calls between processes carry. Empty: nobody gets in.", "");
inline Setting<std::int64_t> max_connections(
    "SOUK_MAX_CONNECTIONS",
    "Connections of clients to the public port; the limit of open files may allow fewer. At the limit the one that is "
    "idle for longest is closed for a new one, and the new one where none is idle.",
    10'000, 1, 1'000'000);
inline Setting<std::chrono::milliseconds> shed_delay(
    "SOUK_SHED_DELAY",
    "How long requests may wait for a worker before some are refused (503): browsing above it, checkouts above four "
    "times of it.",
    std::chrono::milliseconds(50), std::chrono::milliseconds(1), std::chrono::seconds(10));
inline Setting<std::int64_t> pool_size("SOUK_POSTGRES_CONNECTIONS", "Connections to PostgreSQL a service.", 20, 1, 20);
inline Setting<std::string> failpoint("SOUK_FAILPOINT",
                                      "For tests: places where the program breaks on purpose (core/failpoint.hpp).",
                                      "");
inline Setting<std::chrono::milliseconds> drain_limit("SOUK_DRAIN_LIMIT", "How long a stop waits for running requests.",
                                                      std::chrono::seconds(20), std::chrono::milliseconds(0),
                                                      std::chrono::minutes(5));

}  // namespace souk::settings
