# Writes docs/gpu-kernels.md from the tables of resources that compile_family.cmake left beside the code objects.
cmake_minimum_required(VERSION 3.25)
set(kernels "")
foreach(family ${FAMILIES})
  file(STRINGS ${FOLDER}/kernels.${family}.hsaco.resources.tsv lines)
  list(POP_FRONT lines)
  foreach(line ${lines})
    string(REPLACE "\t" ";" fields "${line}")
    list(GET fields 0 kernel)
    list(GET fields 1 registers)
    list(GET fields 3 waves)
    list(GET fields 4 shared_${kernel})
    if(NOT kernel IN_LIST kernels)
      list(APPEND kernels ${kernel})
    endif()
    set(${family}_${kernel} "${registers}/${waves}")
  endforeach()
endforeach()
list(SORT kernels)
list(LENGTH kernels count)
string(REPLACE ";" " | " heads "${FAMILIES}")
string(REGEX REPLACE "[^;]+" "---" rule "${FAMILIES}")
string(REPLACE ";" " | " rule "${rule}")
set(text "# What the GPU kernels need

Written by `ninja gpu_kernel_table` from clang's own analysis; not edited by hand. Vector registers / waves a SIMD that fit, for each family, and
bytes of shared memory a block. Scratch memory is 0 everywhere: the build ends where it is not (kernels/hip/compile_family.cmake), or where fewer
waves fit than kernels/hip/occupancy.cmake promises. ${count} kernels.

| kernel | shared | ${heads} |
| --- | --- | ${rule} |
")
foreach(kernel ${kernels})
  string(REPLACE "hearth_" "" short ${kernel})
  set(row "| ${short} | ${shared_${kernel}} |")
  foreach(family ${FAMILIES})
    string(APPEND row " ${${family}_${kernel}} |")
  endforeach()
  string(APPEND text "${row}\n")
endforeach()
file(WRITE ${OUT} "${text}")
