# Where an installed Python package lies: asks DGIQA_PYTHON, then .venv/bin/python of this project, then python3. The first
# that has the file or pattern below its folder wins; `out` becomes that folder, or empty. A cross build asks no Python of
# the host, whose libraries are the host's: it looks where the target root's pip and apt install.
function(dgiqa_find_wheel package pattern out)
  set(${out} "" PARENT_SCOPE)
  if(CMAKE_CROSSCOMPILING)
    file(GLOB folders "${CMAKE_SYSROOT}/usr/local/lib/python3*/dist-packages/${package}"
         "${CMAKE_SYSROOT}/usr/lib/python3*/dist-packages/${package}")
  else()
    set(folders "")
    foreach(python IN ITEMS "${DGIQA_PYTHON}" "${PROJECT_SOURCE_DIR}/.venv/bin/python" python3)
      if(python)
        execute_process(
          COMMAND "${python}" -c
                  "import importlib.util, os; s = importlib.util.find_spec('${package}'); print(os.path.dirname(s.origin) if s else '')"
          OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
        if(status EQUAL 0 AND folder)
          list(APPEND folders "${folder}")
        endif()
      endif()
    endforeach()
  endif()
  foreach(folder IN LISTS folders)
    file(GLOB found "${folder}/${pattern}")
    if(found)
      set(${out} "${folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()
