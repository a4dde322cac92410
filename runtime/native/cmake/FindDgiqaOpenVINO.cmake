# OpenVINO with its C++ headers: from OpenVINO_DIR or an installed package, else from the Python wheel, which ships both.
# Defines DgiqaOpenVINO_FOUND and the target openvino::runtime.
include(PythonWheel)
include(TargetMachine)

find_package(OpenVINO QUIET COMPONENTS Runtime ONNX)
if(NOT OpenVINO_FOUND)
  dgiqa_find_wheel(openvino cmake/OpenVINOConfig.cmake wheel)
  if(wheel)
    find_package(OpenVINO QUIET COMPONENTS Runtime ONNX PATHS "${wheel}/cmake" NO_DEFAULT_PATH)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DgiqaOpenVINO REQUIRED_VARS OpenVINO_DIR OpenVINO_FOUND VERSION_VAR OpenVINO_VERSION)
if(DgiqaOpenVINO_FOUND)
  get_target_property(library openvino::runtime IMPORTED_LOCATION_RELEASE)
  dgiqa_require_target_machine("${library}" "name the target's OpenVINO by OpenVINO_DIR")
endif()
