#pragma once

#include "core/task_group.hpp"
#include "order/api.hpp"
#include "repository.hpp"
#include "review/api.hpp"
#include "user/api.hpp"

namespace souk::review {

class Service final : public Api {
 public:
  Service(Repository& repository, order::Api& orders, user::Api& users)
      : repository_(repository), orders_(orders), users_(users) {}

  Task<Result<ReviewPage>> list_reviews(Context context, ListReviews request) override;
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

  Repository& repository_;
  order::Api& orders_;
  user::Api& users_;
};

}  // namespace souk::review
