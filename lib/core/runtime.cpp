#include "core/runtime.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <stdexcept>

namespace souk {
namespace {

constexpr std::size_t no_worker = static_cast<std::size_t>(-1);
thread_local std::size_t worker_index = no_worker;

}  // namespace

Runtime::Runtime(std::size_t workers) {
  for (std::size_t i = 0; i < workers; ++i) {
    contexts_.push_back(std::make_unique<asio::io_context>(1));
    guards_.push_back(std::make_unique<asio::executor_work_guard<Executor>>(contexts_[i]->get_executor()));
  }
  for (std::size_t i = 0; i < workers; ++i) {
    threads_.emplace_back([this, i] {
      worker_index = i;
      contexts_[i]->run();
    });
  }
}

Runtime::~Runtime() {
  for (auto& context : contexts_) context->stop();
  threads_.clear();
}

std::size_t this_worker() {
  if (worker_index == no_worker) throw std::logic_error("not a worker thread");
  return worker_index;
}

bool on_worker() { return worker_index != no_worker; }

}  // namespace souk
