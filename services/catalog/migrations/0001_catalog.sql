-- Products and categories as documents: `document` is what is queried, `body` the same document as the exact text that
-- is served, so that a reply needs no writing and keeps the order of its members.

-- A moment written with an offset is the same in every time zone, so this may be called immutable.
CREATE FUNCTION document_time(moment TEXT) RETURNS TIMESTAMPTZ
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT moment::timestamptz $$;

CREATE FUNCTION new_object_id() RETURNS TEXT
    LANGUAGE sql VOLATILE AS $$ SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 24) $$;

CREATE TABLE products (
    _id TEXT PRIMARY KEY DEFAULT new_object_id(),
    document JSONB NOT NULL,
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    -- What lists filter and sort by, beside the document, so that a filter need not unpack it.
    product_id TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS (document->>'product_id') STORED,
    slug TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS (document->>'slug') STORED,
    status TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS (document->>'status') STORED,
    category_id TEXT COLLATE "C" GENERATED ALWAYS AS (document->'category'->>'id') STORED,
    subcategory_id TEXT COLLATE "C" GENERATED ALWAYS AS (document->'subcategory'->>'id') STORED,
    brand_name TEXT COLLATE "C" GENERATED ALWAYS AS (document->'brand'->>'name') STORED,
    price NUMERIC NOT NULL GENERATED ALWAYS AS
        (COALESCE(document->'price'->>'sale', document->'price'->>'regular')::numeric) STORED,
    rating NUMERIC NOT NULL GENERATED ALWAYS AS ((document->'rating'->>'average')::numeric) STORED,
    sort_name TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS
        (lower(left(document->>'name', 200) COLLATE "und-x-icu")) STORED,
    is_featured BOOLEAN NOT NULL GENERATED ALWAYS AS ((document->>'is_featured')::boolean) STORED,
    is_on_sale BOOLEAN NOT NULL GENERATED ALWAYS AS ((document->>'is_on_sale')::boolean) STORED,
    created_at TIMESTAMPTZ NOT NULL GENERATED ALWAYS AS (document_time(document->>'created_at')) STORED,
    updated_at TIMESTAMPTZ NOT NULL GENERATED ALWAYS AS (document_time(document->>'updated_at')) STORED
);

-- The indexes of the collection.
CREATE UNIQUE INDEX products_product_id ON products ((document->>'product_id'));
CREATE UNIQUE INDEX products_sku ON products ((document->>'sku'));
CREATE UNIQUE INDEX products_slug ON products ((document->>'slug'));
CREATE INDEX products_category_id ON products ((document->'category'->>'id'));
CREATE INDEX products_status ON products ((document->>'status'));
CREATE INDEX products_is_featured ON products (((document->>'is_featured')::boolean));
CREATE INDEX products_rating ON products (((document->'rating'->>'average')::numeric) DESC);
CREATE INDEX products_created_at ON products (document_time(document->>'created_at') DESC);
CREATE INDEX products_text ON products USING gin (to_tsvector('english'::regconfig,
    COALESCE(document->>'name', '') || ' ' || COALESCE(document->>'description', '') || ' ' ||
    COALESCE(document->>'tags', '')));

-- What the lists need: each order of its own, and newest first within what a shop is browsed by. An inactive product
-- is in no list.
CREATE INDEX products_by_time ON products (created_at DESC, product_id DESC) WHERE status <> 'inactive';
CREATE INDEX products_by_price ON products (price, product_id) WHERE status <> 'inactive';
CREATE INDEX products_by_rating ON products (rating DESC, product_id DESC) WHERE status <> 'inactive';
CREATE INDEX products_by_name ON products (sort_name, product_id) WHERE status <> 'inactive';
CREATE INDEX products_of_category ON products (category_id, created_at DESC, product_id DESC)
    WHERE status <> 'inactive';
CREATE INDEX products_of_subcategory ON products (subcategory_id, created_at DESC, product_id DESC)
    WHERE status <> 'inactive';
CREATE INDEX products_of_brand ON products (brand_name, created_at DESC, product_id DESC) WHERE status <> 'inactive';
CREATE INDEX products_of_tag ON products USING gin ((document->'tags'));

-- Products and variants share one namespace of ids and one of skus.
CREATE TABLE sellable_ids (
    id TEXT COLLATE "C" PRIMARY KEY,
    product_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX sellable_ids_product_id ON sellable_ids (product_id);
CREATE TABLE sellable_skus (
    sku TEXT COLLATE "C" PRIMARY KEY,
    product_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX sellable_skus_product_id ON sellable_skus (product_id);

-- What the inventory said last of a sellable item, whether or not its product is here yet.
CREATE TABLE sellable_availability (
    id TEXT COLLATE "C" PRIMARY KEY,
    available BOOLEAN NOT NULL
);

CREATE TABLE categories (
    _id TEXT PRIMARY KEY DEFAULT new_object_id(),
    document JSONB NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX categories_category_id ON categories ((document->>'category_id'));
CREATE UNIQUE INDEX categories_slug ON categories ((document->>'slug'));
CREATE INDEX categories_parent_id ON categories ((document->>'parent_id'));
CREATE INDEX categories_display_order ON categories (((document->>'display_order')::integer));
