# Installing: library, headers, tool, element, CMake and pkg-config files, and a Debian package that brings what it needs
# of ONNX Runtime or OpenVINO along, so that it works on a machine without Python.
include(CMakePackageConfigHelpers)

set(private_libdir "${CMAKE_INSTALL_LIBDIR}/dgiqa_edge")
set(docdir "${CMAKE_INSTALL_DATADIR}/doc/dgiqa-edge-native")

install(TARGETS dgiqa_edge EXPORT dgiqa_edge_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "dgiqa_edge.h*")
set_target_properties(dgiqa_edge PROPERTIES INSTALL_RPATH "$ORIGIN/dgiqa_edge")
if(TARGET dgiqa-edge-native)
  install(TARGETS dgiqa-edge-native RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET gstdgiqa)
  install(TARGETS gstdgiqa LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/gstreamer-1.0)
endif()

# find_package(dgiqa_edge) gives the target dgiqa_edge::dgiqa_edge.
set(cmake_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dgiqa_edge")
install(EXPORT dgiqa_edge_targets NAMESPACE dgiqa_edge:: FILE dgiqa_edgeTargets.cmake DESTINATION ${cmake_package_dir})
configure_package_config_file(cmake/dgiqa_edgeConfig.cmake.in dgiqa_edgeConfig.cmake
                              INSTALL_DESTINATION ${cmake_package_dir})
write_basic_package_version_file(dgiqa_edgeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/dgiqa_edgeConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/dgiqa_edgeConfigVersion.cmake" DESTINATION ${cmake_package_dir})

# pkg-config, by paths relative to its own place: the tree may be moved.
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/dgiqa_edge.pc.in dgiqa_edge.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/dgiqa_edge.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${docdir} RENAME copyright)

# The parts of OpenVINO that run the graphs (Apache-2.0) with its notices, where it comes from the Python wheel. Another
# OpenVINO is taken to be installed on the target in its own way.
set(DGIQA_BUNDLES_OPENVINO OFF)
if(TARGET openvino::runtime)
  get_filename_component(openvino_package "${OpenVINO_DIR}/.." ABSOLUTE)
  file(GLOB openvino_notices "${openvino_package}/../openvino-*.dist-info/licenses")
  if(openvino_notices AND EXISTS "${openvino_package}/libs")
    set(DGIQA_BUNDLES_OPENVINO ON)
  endif()
endif()
if(DGIQA_BUNDLES_OPENVINO)
  set(openvino_libs "${openvino_package}/libs")
  file(GLOB openvino_parts "${openvino_libs}/libopenvino.so.*" "${openvino_libs}/libopenvino_onnx_frontend.so.*"
       "${openvino_libs}/libopenvino_*_cpu_plugin.so" "${openvino_libs}/libtbb.so.*")
  install(PROGRAMS ${openvino_parts} DESTINATION ${private_libdir})
  foreach(notices IN LISTS openvino_notices)
    install(DIRECTORY "${notices}/" DESTINATION ${docdir}/openvino)
  endforeach()
endif()

# ONNX Runtime (MIT) with its notices likewise, under the name that the loader looks for.
if(DGIQA_ONNXRUNTIME_WHEEL)
  file(GLOB onnxruntime_library "${DGIQA_ONNXRUNTIME_WHEEL}/capi/libonnxruntime.so.*")
  install(PROGRAMS ${onnxruntime_library} DESTINATION ${private_libdir} RENAME libonnxruntime.so.1)
  install(FILES "${DGIQA_ONNXRUNTIME_WHEEL}/LICENSE" "${DGIQA_ONNXRUNTIME_WHEEL}/ThirdPartyNotices.txt"
          DESTINATION ${docdir}/onnxruntime)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME dgiqa-edge-native)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the dgiqa-edge authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Image quality and depth of camera frames: C library, command line, GStreamer element")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_COMPRESSION_TYPE gzip)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ffmpeg, gstreamer1.0-plugins-base, gstreamer1.0-plugins-good")
if(CMAKE_CROSSCOMPILING)  # CPack would take the host's; and dpkg-shlibdeps needs to be told of the target's libraries
  set(debian_names_x86_64 amd64)
  set(debian_names_aarch64 arm64)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "${debian_names_${CMAKE_SYSTEM_PROCESSOR}}")
  set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/TargetDependencies.cmake")
  set(CPACK_DGIQA_SYSROOT "${CMAKE_SYSROOT}")
endif()
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)  # Debian: dpkg-dev
if(DPKG_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "")
  if(CMAKE_CROSSCOMPILING)
    list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_SYSROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE}"
         "${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  endif()
  if(DGIQA_BUNDLES_OPENVINO)
    list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${openvino_libs}")
  endif()
  if(DGIQA_ONNXRUNTIME_WHEEL)
    list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/onnxruntime")
  endif()
else()
  message(STATUS "No dpkg-shlibdeps: a .deb built here names no dependencies (install dpkg-dev)")
endif()
include(CPack)
