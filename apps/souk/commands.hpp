#pragma once

#include <string>
#include <vector>

// The words of the command line. Each returns the exit code: 0 done, 1 failed, 2 wrong usage.
namespace souk::commands {

using Arguments = std::vector<std::string>;

int serve(const Arguments& arguments);
int migrate(const Arguments& arguments);
int config(const Arguments& arguments);
int settings(const Arguments& arguments);
int openapi(const Arguments& arguments);
int admin(const Arguments& arguments);
int import(const Arguments& arguments);
int reconcile(const Arguments& arguments);
int demo(const Arguments& arguments);
// 0: all holds; 1: something does not; 2: wrong usage, or the books could not be read.
int audit(const Arguments& arguments);

}  // namespace souk::commands
