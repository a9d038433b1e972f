# Finds the Arrow C++ libraries inside an installed pyarrow wheel.
#
# The wheel carries headers and versioned libraries but no CMake files and no development links, so each library
# becomes an imported target that names its file outright: Arrow::arrow, Arrow::compute, Arrow::parquet,
# Arrow::s3. Nothing is written into site-packages. Set TIDEMILL_PYTHON to the interpreter whose pyarrow is meant.
#
# PyArrow_VERSION is the version of the C++ libraries; PyArrow_LIBRARY_DIR belongs in the run path.

set(TIDEMILL_PYTHON "python3" CACHE STRING "Python interpreter with the pinned pyarrow")

execute_process(
  COMMAND "${TIDEMILL_PYTHON}" -c
          "import os, pyarrow; print(os.path.dirname(pyarrow.__file__)); print(pyarrow.cpp_version)"
  OUTPUT_VARIABLE _pyarrow_facts
  ERROR_VARIABLE _pyarrow_error
  RESULT_VARIABLE _pyarrow_failed
  OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT _pyarrow_failed)
  string(REPLACE "\n" ";" _pyarrow_facts "${_pyarrow_facts}")
  list(GET _pyarrow_facts 0 PyArrow_LIBRARY_DIR)
  list(GET _pyarrow_facts 1 PyArrow_VERSION)
  string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" _pyarrow_match "${PyArrow_VERSION}")
  math(EXPR _pyarrow_soname "${CMAKE_MATCH_1} * 100 + ${CMAKE_MATCH_2}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  PyArrow
  REQUIRED_VARS PyArrow_LIBRARY_DIR
  VERSION_VAR PyArrow_VERSION
  REASON_FAILURE_MESSAGE "no pyarrow in ${TIDEMILL_PYTHON}: run scripts/bootstrap, which installs the pinned one")

if(PyArrow_FOUND AND NOT TARGET Arrow::arrow)
  foreach(_pair arrow:arrow compute:arrow_compute parquet:parquet s3:arrow_s3)
    string(REPLACE ":" ";" _pair "${_pair}")
    list(GET _pair 0 _target)
    list(GET _pair 1 _library)
    add_library(Arrow::${_target} SHARED IMPORTED)
    set_target_properties(
      Arrow::${_target}
      PROPERTIES IMPORTED_LOCATION "${PyArrow_LIBRARY_DIR}/lib${_library}.so.${_pyarrow_soname}"
                 IMPORTED_SONAME "lib${_library}.so.${_pyarrow_soname}"
                 INTERFACE_INCLUDE_DIRECTORIES "${PyArrow_LIBRARY_DIR}/include")
  endforeach()
  target_link_libraries(Arrow::compute INTERFACE Arrow::arrow)
  target_link_libraries(Arrow::parquet INTERFACE Arrow::arrow)
  target_link_libraries(Arrow::s3 INTERFACE Arrow::arrow)
endif()
