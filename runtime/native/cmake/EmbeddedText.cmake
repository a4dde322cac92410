# Puts a file's text into a target as the string dgiqa::NAME, so that a data file of the Python package is the only one.
function(dgiqa_embed target name file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" DGIQA_TEXT)
  set(DGIQA_TEXT_NAME ${name})
  configure_file("${PROJECT_SOURCE_DIR}/runtime/native/cmake/embedded_text.cpp.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp"
                 @ONLY)
  target_sources(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
endfunction()
