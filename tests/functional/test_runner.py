"""The test runner behind ./souk test, on a small project of its own."""

import os
import pathlib
import shutil
import subprocess

import pytest
from support import scratch
from support.platform import wait_for

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
find_package(GTest REQUIRED)
foreach(name cart order)
  add_executable(${name}_test ${name}_test.cpp)
  target_link_libraries(${name}_test GTest::gtest_main)
endforeach()
"""
PRESETS = """{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja",
  "binaryDir": "${sourceDir}/build/release", "cacheVariables": {"CMAKE_CXX_COMPILER": "clang++-19"}}]}
"""
CART_TEST = """#include <gtest/gtest.h>
TEST(Cart, HoldsItems) { EXPECT_EQ(1, 1); }
TEST(Cart, WaitsForTheSpec) { GTEST_SKIP() << "no spec here"; }
"""
ORDER_TEST = """#include <gtest/gtest.h>
#include <cstdlib>
TEST(Order, HasEngines) { EXPECT_NE(std::getenv("SOUK_TEST_POSTGRES_URL"), nullptr); }
TEST(Order, IsWrong) { EXPECT_EQ(1, 2) << "one is not two"; }
TEST(OrderCrash, Aborts) { std::abort(); }
"""


class Project:
    def __init__(self, folder):
        self.folder = folder
        for part in ("tools/test", "deploy/local"):
            shutil.copytree(scratch.ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(scratch.ROOT / "tools/build", folder / "tools/build")
        self.write("CMakeLists.txt", CMAKE)
        self.write("CMakePresets.json", PRESETS)
        self.write("cart_test.cpp", CART_TEST)
        self.write("order_test.cpp", ORDER_TEST)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def test(self, *arguments):
        done = subprocess.run(["/usr/bin/python3", "tools/test", *arguments], cwd=self.folder,
                              env=scratch.clean_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=200, check=False)
        lines = done.stdout.strip().splitlines()
        return done.returncode, lines[-1] if lines else "", done.stdout + done.stderr

    def built(self):
        return sorted(path.name for path in (self.folder / "build/release/bin").glob("*_test"))


@pytest.fixture(scope="module")
def project():
    folder = scratch.new_folder()
    yield Project(pathlib.Path(folder))
    shutil.rmtree(folder)


def test_a_name_builds_and_runs_only_what_matches(project):
    code, closing, output = project.test("HoldsItems")
    assert (code, closing) == (0, "2 passed, 0 failed, 0 skipped"), output  # the build counts as a case
    assert project.built() == ["cart_test"]


def test_a_program_is_found_by_its_name_and_its_skips_are_listed(project):
    code, closing, output = project.test("cart_test")
    assert (code, closing) == (0, "2 passed, 0 failed, 1 skipped"), output
    assert "skipped: cart_test Cart.WaitsForTheSpec: no spec here" in output


def test_failures_are_shown_in_full_and_a_crash_is_a_failure(project):
    code, closing, output = project.test("unit")
    assert (code, closing) == (1, "3 passed, 2 failed, 1 skipped"), output
    assert "one is not two" in output
    assert "failed: order_test OrderCrash.Aborts" in output and "SIGABRT" in output


def test_nothing_that_matches_is_a_failure(project):
    code, closing, output = project.test("no_such_test")
    assert (code, closing) == (1, "0 passed, 0 failed, 0 skipped"), output
    assert "nothing matches no_such_test" in output


def test_a_broken_build_is_one_failed_case_with_the_compilers_words(project):
    project.write("order_test.cpp", "int broken = nonsense;\n")
    try:
        code, closing, output = project.test("order_test")
    finally:
        project.write("order_test.cpp", ORDER_TEST)
    assert (code, closing) == (1, "0 passed, 1 failed, 0 skipped"), output
    assert "use of undeclared identifier 'nonsense'" in output


def test_wrong_usage_has_exit_code_2(project):
    assert project.test("--sideways")[0] == 2
    assert project.test("one", "two")[0] == 2


def test_leftovers_of_a_killed_run_are_cleared(project):
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = project.folder.parent / f"souk-test-{gone.pid}-left"
    left.mkdir(mode=0o755)
    scratch.engines("start", left)
    pids = scratch.engine_pids(left)
    assert project.test("HoldsItems")[0] == 0
    assert not left.exists()
    # Whoever adopted them takes note of their end in its own time.
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids.values()), what="the end of the engines")
