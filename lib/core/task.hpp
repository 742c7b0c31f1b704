#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace souk {

namespace asio = boost::asio;

// The type-erased executor that Asio uses by default costs a tenth of the request rate (docs/decisions/0002).
using Executor = asio::io_context::executor_type;

// A coroutine. It starts when awaited and stays on the worker thread where it was started.
template <class T = void>
using Task = asio::awaitable<T, Executor>;

// Completion token: `co_await socket.async_send(buffer, use_task)`.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;
using Deadline = Clock::time_point;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

}  // namespace souk
