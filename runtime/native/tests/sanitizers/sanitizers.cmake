# How programs with sanitizers live with libraries that have none: OpenVINO and oneTBB from their wheel, GLib, GStreamer.
if(DGIQA_EDGE_SANITIZE)
  add_library(dgiqa_sanitizer_dlopen OBJECT "${CMAKE_CURRENT_LIST_DIR}/dlopen.cpp")
endif()
set(DGIQA_SANITIZER_ENVIRONMENT
    "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_LIST_DIR}/leaks.supp:print_suppressions=0"
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1")

# Call it for every program that runs in a test.
function(dgiqa_sanitized program)
  if(DGIQA_EDGE_SANITIZE)
    target_sources(${program} PRIVATE $<TARGET_OBJECTS:dgiqa_sanitizer_dlopen>)
    target_link_libraries(${program} PRIVATE ${CMAKE_DL_LIBS})
    target_link_options(${program} PRIVATE -rdynamic)
  endif()
endfunction()
