#include "postgres/retry.hpp"

namespace souk::pg {

Task<bool> sleep_before_retry(Context context, Duration limit) {
  const Duration wait(static_cast<Duration::rep>(random_below(static_cast<std::uint64_t>(limit.count()) + 1)));
  if (context.time_left() <= wait) co_return false;
  Timer timer(co_await asio::this_coro::executor, wait);
  co_await timer.async_wait(use_task);
  co_return true;
}

}  // namespace souk::pg
