-- The other lists of a product's approved reviews (each read forwards or backwards), those of a customer, and those that
-- wait for an editor. A product's rating is read from reviews_by_rating alone.

CREATE INDEX reviews_most_helpful ON reviews
    ((document->>'product_id'), ((document->>'helpful_count')::integer) DESC, (document->>'review_id') DESC)
    WHERE document->>'status' = 'approved';
CREATE INDEX reviews_by_rating ON reviews
    ((document->>'product_id'), ((document->>'rating')::integer) DESC, (document->>'review_id') DESC)
    WHERE document->>'status' = 'approved';
CREATE INDEX reviews_of_customer ON reviews
    ((document->>'user_id'), document_time(document->>'created_at') DESC, (document->>'review_id') DESC);
CREATE INDEX reviews_of_status ON reviews
    ((document->>'status'), document_time(document->>'created_at') DESC, (document->>'review_id') DESC);
