# Stops where a library that was found is for another processor than this build: left alone it links with a riddle, or
# fails on the device. What `remedy` says ends the message.
set(DGIQA_ELF_MACHINE_x86_64 3e00)
set(DGIQA_ELF_MACHINE_aarch64 b700)

function(dgiqa_require_target_machine library remedy)
  set(wanted "${DGIQA_ELF_MACHINE_${CMAKE_SYSTEM_PROCESSOR}}")
  if(NOT wanted OR NOT EXISTS "${library}")
    return()
  endif()
  file(READ "${library}" magic LIMIT 4 HEX)
  file(READ "${library}" machine OFFSET 18 LIMIT 2 HEX)
  if(magic STREQUAL "7f454c46" AND NOT machine STREQUAL wanted)
    message(FATAL_ERROR "${library} is for another processor, this build is for ${CMAKE_SYSTEM_PROCESSOR}: ${remedy}")
  endif()
endfunction()
