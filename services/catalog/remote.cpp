#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::catalog {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(get_product, repeatable)
  SOUK_RPC(get_products, repeatable)
  SOUK_RPC(list_products, repeatable)
  SOUK_RPC(price_items, repeatable)
  SOUK_RPC(list_categories, repeatable)
  SOUK_RPC(get_category, repeatable)
  SOUK_RPC(import_products, repeatable)
  SOUK_RPC(upsert_categories, repeatable)
  SOUK_RPC(list_documents, repeatable)
  SOUK_RPC(stats, repeatable)
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(catalog)

}  // namespace souk::catalog
