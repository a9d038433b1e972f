# Compiler settings shared by every target, carried by the interface target tidemill_compile.
add_library(tidemill_compile INTERFACE)
target_compile_options(tidemill_compile INTERFACE -march=${TIDEMILL_ARCH} -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(TIDEMILL_SANITIZE)
  target_compile_options(tidemill_compile INTERFACE -fsanitize=${TIDEMILL_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tidemill_compile INTERFACE -fsanitize=${TIDEMILL_SANITIZE})
endif()

set(CMAKE_BUILD_RPATH "${PyArrow_LIBRARY_DIR}")
