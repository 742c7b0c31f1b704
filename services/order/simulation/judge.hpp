#pragma once

#include "world.hpp"

namespace souk::order::simulation {

// What must hold of every schedule once all is quiet. Reads the participants' books and the rows, and knows nothing of
// how the saga got there.
void judge(World& world);

}  // namespace souk::order::simulation
