# How Souk's targets are made. A library is a folder: its *.cpp are its sources, its *_test.cpp its test program.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(SOUK_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-missing-designated-field-initializers "SHELL:-Xclang -fno-pch-timestamp")
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY BOOST_ALLOW_DEPRECATED_HEADERS)
if(SOUK_SANITIZE)
  add_compile_options(-fsanitize=${SOUK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SOUK_SANITIZE})
endif()

# The one precompiled header: what nearly every file needs and takes seconds to parse.
add_library(souk_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(souk_pch PUBLIC Threads::Threads)
target_precompile_headers(souk_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.hpp)

function(souk_sources out)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# souk_tests(<library> [LINK <more>...]): every *_test.cpp of this folder becomes one program, <library>_test.
function(souk_tests library)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(NOT tests)
    return()
  endif()
  add_executable(${library}_test ${tests})
  target_link_libraries(${library}_test PRIVATE ${library} ${arg_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  target_include_directories(${library}_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_precompile_headers(${library}_test REUSE_FROM souk_pch)
endfunction()

# souk_library(<name> [LINK <targets>...] [TEST_LINK <targets>...]): lib/<name>, included as "<name>/….hpp".
function(souk_library name)
  cmake_parse_arguments(arg "" "" "LINK;TEST_LINK" ${ARGN})
  souk_sources(sources)
  add_library(souk_${name} STATIC ${sources})
  target_include_directories(souk_${name} PUBLIC ${PROJECT_SOURCE_DIR}/lib)
  target_link_libraries(souk_${name} PUBLIC ${arg_LINK} Threads::Threads)
  target_precompile_headers(souk_${name} REUSE_FROM souk_pch)
  souk_tests(souk_${name} LINK ${arg_TEST_LINK})
endfunction()

# souk_embed(<target> <namespace> <files>...): the files' text as `<namespace>::embedded_files()` in the target.
function(souk_embed target namespace)
  string(REPLACE "::" "_" file_stem ${namespace})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${file_stem}_embedded.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DNAMESPACE=${namespace} "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# souk_service(<name> [API_USES <apis>...] [USES <apis>...] [LINK <targets>...] [TEST_LINK <targets>...])
# Makes <name>_api, which shows others "<name>/api.hpp" and no other file of the service, and the library <name>.
# API_USES: services whose api.hpp this api.hpp includes. USES: services that the implementation calls.
function(souk_service name)
  cmake_parse_arguments(arg "" "" "API_USES;USES;LINK;TEST_LINK" ${ARGN})
  set(api_dir ${PROJECT_BINARY_DIR}/api/${name})
  file(MAKE_DIRECTORY ${api_dir}/${name})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/api.hpp ${api_dir}/${name}/api.hpp SYMBOLIC)
  add_library(${name}_api INTERFACE)
  target_include_directories(${name}_api INTERFACE ${api_dir})
  list(TRANSFORM arg_API_USES APPEND _api)
  list(TRANSFORM arg_USES APPEND _api)
  target_link_libraries(${name}_api INTERFACE souk_core souk_json ${arg_API_USES})

  souk_sources(sources)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_precompile_headers(${name} REUSE_FROM souk_pch)
    target_link_libraries(${name} PUBLIC ${name}_api ${arg_USES} ${arg_LINK} souk_http souk_rpc Threads::Threads)
    file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
    if(migrations)
      souk_embed(${name} souk::${name}::migrations ${migrations})
    endif()
    souk_tests(${name} LINK ${arg_TEST_LINK} souk_testing)
  endif()
endfunction()
