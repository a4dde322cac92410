# ONNX Runtime with its C++ headers. ONNXRUNTIME_ROOT names an unpacked release archive, or any folder with the headers
# (include/); Debian 13 has both in libonnxruntime-dev. Headers without a library go with the library of the Python wheel,
# which ships no headers: its C interface only grows, so headers may be older than the library, never newer.
# Defines DgiqaOnnxRuntime_FOUND, the target dgiqa::onnxruntime and DGIQA_ONNXRUNTIME_WHEEL (the wheel's package folder,
# empty where the library is the system's).
include(PythonWheel)
include(TargetMachine)
set(ONNXRUNTIME_ROOT "" CACHE PATH "Folder with ONNX Runtime's include/ and, unless a Python wheel has it, lib/")

# The folder that was named first, as it stands: in a cross build it lies outside of the target root.
set(suffixes include include/onnxruntime include/onnxruntime/core/session onnxruntime)
set(named HINTS "${ONNXRUNTIME_ROOT}" ENV ONNXRUNTIME_ROOT NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
find_path(DGIQA_ONNXRUNTIME_INCLUDE onnxruntime_cxx_api.h ${named} PATH_SUFFIXES ${suffixes})
find_path(DGIQA_ONNXRUNTIME_INCLUDE onnxruntime_cxx_api.h PATH_SUFFIXES ${suffixes})
find_library(DGIQA_ONNXRUNTIME_LIBRARY onnxruntime ${named} PATH_SUFFIXES lib)
find_library(DGIQA_ONNXRUNTIME_LIBRARY onnxruntime)

set(DGIQA_ONNXRUNTIME_WHEEL "")
set(library "${DGIQA_ONNXRUNTIME_LIBRARY}")
if(DGIQA_ONNXRUNTIME_INCLUDE AND NOT library)
  dgiqa_find_wheel(onnxruntime "capi/libonnxruntime.so.*" DGIQA_ONNXRUNTIME_WHEEL)
  if(DGIQA_ONNXRUNTIME_WHEEL)
    # The loader looks for the name by which the library calls itself, which no file in the wheel has.
    file(GLOB in_wheel "${DGIQA_ONNXRUNTIME_WHEEL}/capi/libonnxruntime.so.*")
    set(library "${PROJECT_BINARY_DIR}/onnxruntime/libonnxruntime.so.1")
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/onnxruntime")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${in_wheel}" "${library}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DgiqaOnnxRuntime REQUIRED_VARS library DGIQA_ONNXRUNTIME_INCLUDE)
if(DgiqaOnnxRuntime_FOUND)
  dgiqa_require_target_machine("${library}" "name the target's ONNX Runtime by ONNXRUNTIME_ROOT")
endif()
if(DgiqaOnnxRuntime_FOUND AND NOT TARGET dgiqa::onnxruntime)
  add_library(dgiqa::onnxruntime SHARED IMPORTED GLOBAL)
  set_target_properties(dgiqa::onnxruntime PROPERTIES IMPORTED_LOCATION "${library}"
                        INTERFACE_INCLUDE_DIRECTORIES "${DGIQA_ONNXRUNTIME_INCLUDE}")
endif()
