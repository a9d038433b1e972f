# tidemill_floor(NAME LINKS floor-or-library...)
#
# One folder under src/ is one library target. A floor's headers are reached as "NAME/header.h" through an include
# folder of its own (a link in the build tree), so a target can include only the floors that it links: including a
# higher floor does not compile. Tests are the *_test.cc files beside the code, one program per floor.
set(TIDEMILL_PRECOMPILED
    <algorithm> <functional> <map> <memory> <string> <vector> <arrow/array.h> <arrow/builder.h> <arrow/datum.h>
    <arrow/record_batch.h> <arrow/result.h> <arrow/scalar.h> <arrow/table.h> <arrow/type.h>)

function(tidemill_floor name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  set(door "${CMAKE_BINARY_DIR}/floors/${name}")
  file(MAKE_DIRECTORY "${door}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${door}/${name}" SYMBOLIC)

  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  add_library(tidemill_${name} STATIC ${sources})
  target_include_directories(tidemill_${name} PUBLIC "${door}")
  target_link_libraries(tidemill_${name} PUBLIC ${arg_LINKS} PRIVATE tidemill_compile)
  # Two thirds of a compilation is reading Arrow's headers.
  target_precompile_headers(tidemill_${name} PRIVATE ${TIDEMILL_PRECOMPILED})

  if(TIDEMILL_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE tidemill_${name} tidemill_compile GTest::gmock GTest::gtest_main)
    target_precompile_headers(${name}_test PRIVATE ${TIDEMILL_PRECOMPILED} <gtest/gtest.h>)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}: " DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

# The public headers, which the floors from sql upwards implement.
add_library(tidemill_api INTERFACE)
target_include_directories(tidemill_api INTERFACE "${CMAKE_SOURCE_DIR}/include")
