#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::review {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(list_reviews, repeatable)
  SOUK_RPC(get_review, repeatable)
  SOUK_RPC(create_review, once)  // already reviewed
  SOUK_RPC(list_own_reviews, repeatable)
  SOUK_RPC(list_all_reviews, repeatable)
  SOUK_RPC(change_review, repeatable)
  SOUK_RPC(delete_review, once)  // not found the second time
  SOUK_RPC(vote, repeatable)
  SOUK_RPC(moderate, repeatable)
  SOUK_RPC(import_reviews, repeatable)
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(review)

}  // namespace souk::review
