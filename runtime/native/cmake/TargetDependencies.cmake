# Run by CPack before it makes a package of a cross build. dpkg-shlibdeps asks the host's database which package has a
# library; the target's are not in it. So it gets what the packages of the target root say of their libraries
# (name, version, dependency), and the target's name, by which it finds that architecture's objdump.
set(ENV{DEB_HOST_ARCH} "${CPACK_DEBIAN_PACKAGE_ARCHITECTURE}")
file(GLOB of_packages "${CPACK_DGIQA_SYSROOT}/var/lib/dpkg/info/*.shlibs")
set(dependencies "")
foreach(file IN LISTS of_packages)
  file(READ "${file}" lines)
  string(APPEND dependencies "${lines}")
endforeach()
file(WRITE "${CPACK_TEMPORARY_DIRECTORY}/debian/shlibs.local" "${dependencies}")
