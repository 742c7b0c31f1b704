#pragma once

// Everything of the JSON library. How a struct takes part:
//   struct AddItem { json::Text<1, 50> product_id; json::Int<1, 999> quantity; };
//   BOOST_DESCRIBE_STRUCT(AddItem, (), (product_id, quantity))
// and an enumeration, spelled as on the wire: BOOST_DEFINE_ENUM_CLASS(Status, pending, confirmed)
#include "json/read.hpp"
#include "json/schema.hpp"
#include "json/types.hpp"
#include "json/write.hpp"
