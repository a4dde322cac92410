# Where an installed Python package lies: asks DGIQA_PYTHON, then .venv/bin/python of this project, then python3. The first
# that has the file or pattern below its folder wins; `out` becomes that folder, or empty.
function(dgiqa_find_wheel package pattern out)
  set(${out} "" PARENT_SCOPE)
  foreach(python IN ITEMS "${DGIQA_PYTHON}" "${PROJECT_SOURCE_DIR}/.venv/bin/python" python3)
    if(python STREQUAL "")
      continue()
    endif()
    execute_process(
      COMMAND "${python}" -c
              "import importlib.util, os; s = importlib.util.find_spec('${package}'); print(os.path.dirname(s.origin) if s else '')"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    file(GLOB found "${folder}/${pattern}")
    if(status EQUAL 0 AND folder AND found)
      set(${out} "${folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()
