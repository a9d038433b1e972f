# Compiler settings shared by every target, carried by the interface target tidemill_compile.
add_library(tidemill_compile INTERFACE)
target_compile_options(tidemill_compile INTERFACE -march=${TIDEMILL_ARCH} -Wall -Wextra -Wpedantic -Wshadow -Werror)
# Position-independent code may then still inline what is not static.
target_compile_options(tidemill_compile INTERFACE -fno-semantic-interposition)
# Lets ccache look behind precompiled headers.
target_compile_options(tidemill_compile INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
# GCC 12 sees overlapping and overflowing copies in std::string that are not there (its bug 105651).
target_compile_options(tidemill_compile INTERFACE "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-stringop-overflow;-Wno-array-bounds>")
# At -O3 it takes aggregates with default members for uninitialised; the other presets keep the warning.
target_compile_options(tidemill_compile INTERFACE
                       $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-maybe-uninitialized>)
if(TIDEMILL_SANITIZE)
  target_compile_options(tidemill_compile INTERFACE -fsanitize=${TIDEMILL_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tidemill_compile INTERFACE -fsanitize=${TIDEMILL_SANITIZE})
endif()

set(CMAKE_BUILD_RPATH "${PyArrow_LIBRARY_DIR}")
