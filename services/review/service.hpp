#pragma once

#include "catalog/api.hpp"
#include "core/task_group.hpp"
#include "order/api.hpp"
#include "repository.hpp"
#include "review/api.hpp"
#include "settings.hpp"
#include "user/api.hpp"

namespace souk::review {

class Service final : public Api {
 public:
  // `catalog`: knows which products there are; null where that is not checked.
  Service(Repository& repository, order::Api& orders, user::Api& users, catalog::Api* catalog = nullptr,
          bool auto_approve = settings::auto_approve.get())
      : repository_(repository), orders_(orders), users_(users), catalog_(catalog), auto_approve_(auto_approve) {}

  // Housekeeping: deletes old events.
  void start(TaskGroup& group);

  Task<Result<ReviewPage>> list_reviews(Context context, ListReviews request) override;
  Task<Result<Review>> get_review(Context context, GetReview request) override;
  Task<Result<ReviewPage>> list_all_reviews(Context context, ListAllReviews request) override;
  Task<Result<ReviewPage>> list_own_reviews(Context context, ListOwnReviews request) override;
  Task<Result<Review>> create_review(Context context, CreateReview request) override;
  Task<Result<Review>> change_review(Context context, ChangeReview request) override;
  Task<Result<Done>> delete_review(Context context, ReviewRef request) override;
  Task<Result<Review>> vote(Context context, Vote request) override;
  Task<Result<Review>> moderate(Context context, Moderate request) override;
  Task<Result<ImportedReviews>> import_reviews(Context context, ImportReviews request) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  Task<Result<ReviewPage>> list(Context context, ReviewQuery query, std::optional<std::string> cursor);

  Task<> keep_house(TaskGroup& group);
  // The product's id, also for its slug. catalog.product_not_found
  Task<Result<std::string>> find_product(Context context, std::string id_or_slug);

  Repository& repository_;
  order::Api& orders_;
  user::Api& users_;
  catalog::Api* catalog_;
  const bool auto_approve_;
};

}  // namespace souk::review
