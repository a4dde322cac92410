# OpenVINO with its C++ headers: from OpenVINO_DIR or an installed package, else from the Python wheel, which ships both.
# DGIQA_PYTHON names the interpreter to ask; by default .venv/bin/python of this project, then python3.
# Defines DgiqaOpenVINO_FOUND and the target openvino::runtime.

find_package(OpenVINO QUIET COMPONENTS Runtime ONNX)
if(NOT OpenVINO_FOUND)
  foreach(python IN ITEMS "${DGIQA_PYTHON}" "${PROJECT_SOURCE_DIR}/.venv/bin/python" python3)
    if(python STREQUAL "")
      continue()
    endif()
    execute_process(
      COMMAND "${python}" -c
              "import importlib.util, os; s = importlib.util.find_spec('openvino'); print(os.path.dirname(s.origin) if s else '')"
      OUTPUT_VARIABLE wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0 AND EXISTS "${wheel}/cmake/OpenVINOConfig.cmake")
      find_package(OpenVINO QUIET COMPONENTS Runtime ONNX PATHS "${wheel}/cmake" NO_DEFAULT_PATH)
      break()
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DgiqaOpenVINO REQUIRED_VARS OpenVINO_DIR OpenVINO_FOUND VERSION_VAR OpenVINO_VERSION)
