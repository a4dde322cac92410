# Cross build for 64-bit ARM Linux: GCC's aarch64-linux-gnu here, headers and libraries of a target root. That root is
# CMAKE_SYSROOT: what `make arm-test` makes, or a copy of a device's /usr, /lib, /etc and /var/lib/dpkg. Debian on the
# host: g++-aarch64-linux-gnu and dpkg-dev.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

if(NOT EXISTS "${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu")
  message(FATAL_ERROR "CMAKE_SYSROOT ('${CMAKE_SYSROOT}') is no root of an aarch64 Debian or Ubuntu: give one by "
                      "-DCMAKE_SYSROOT=DIR; `make arm-test` makes one in build/arm/root")
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(what IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${what} ONLY)
endforeach()

# pkg-config is the host's: without these it answers for the host.
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/lib/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig")
