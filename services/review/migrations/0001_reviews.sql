-- Reviews as documents: `document` is what is queried and served.

-- A moment written with an offset is the same in every time zone, so this may be called immutable.
CREATE FUNCTION document_time(moment TEXT) RETURNS TIMESTAMPTZ
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT moment::timestamptz $$;

CREATE FUNCTION new_object_id() RETURNS TEXT
    LANGUAGE sql VOLATILE AS $$ SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 24) $$;

CREATE TABLE reviews (
    _id TEXT PRIMARY KEY DEFAULT new_object_id(),
    document JSONB NOT NULL,
    CONSTRAINT chk_rating CHECK ((document->>'rating')::integer BETWEEN 1 AND 5)
);

-- The indexes of the collection.
CREATE UNIQUE INDEX reviews_review_id ON reviews ((document->>'review_id'));
CREATE INDEX reviews_product_id ON reviews ((document->>'product_id'));
CREATE INDEX reviews_user_id ON reviews ((document->>'user_id'));
CREATE INDEX reviews_status ON reviews ((document->>'status'));
CREATE INDEX reviews_rating ON reviews (((document->>'rating')::integer));
CREATE INDEX reviews_created_at ON reviews (document_time(document->>'created_at') DESC);
CREATE INDEX reviews_helpful_count ON reviews (((document->>'helpful_count')::integer) DESC);

-- A customer has one review of a product that is not rejected.
CREATE UNIQUE INDEX reviews_one_each ON reviews ((document->>'product_id'), (document->>'user_id'))
    WHERE document->>'status' <> 'rejected';
-- What a product's page lists.
CREATE INDEX reviews_of_product ON reviews
    ((document->>'product_id'), document_time(document->>'created_at') DESC, (document->>'review_id') DESC)
    WHERE document->>'status' = 'approved';

-- Who found which review helpful, or not; a customer has one vote each.
CREATE TABLE review_votes (
    review_id TEXT NOT NULL,
    user_id UUID NOT NULL,
    helpful BOOLEAN NOT NULL,
    PRIMARY KEY (review_id, user_id)
);
