#pragma once

#include <memory>

#include "events/outbox.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"

namespace souk::review {

// Reviews in the database review_db.
class PostgresRepository final : public Repository {
 public:
  explicit PostgresRepository(pg::Pool& pool);

  Task<std::optional<Review>> find(Context context, std::string review_id) override;
  Task<std::vector<Review>> list(Context context, ReviewQuery query) override;
  Task<std::unique_ptr<Change>> begin(Context context) override;
  Task<events::EventPage> events(Context context, events::ReadEvents request) override;
  Task<> keep_house(Context context) override;

 private:
  pg::Pool& pool_;
  events::Outbox outbox_;
};

}  // namespace souk::review
